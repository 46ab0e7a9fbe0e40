import dotty.tools.dotc.reporting.ConsoleReporter;
import dotty.tools.dotc.reporting.Reporter;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.Reader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.reflect.Constructor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Compiles the working folder's Scala 3 as `scalac` does, and finds the main method. A single file with statements outside
 * any definition is a script.
 */
final class Scala3 extends Driver {
    private static final String HOME = "/opt/scala3/lib";
    private static final String LIBRARIES = HOME + "/scala-library.jar:" + HOME + "/scala3-library_3.jar";
    private static final String FILE = "main.scala";
    private static final Path SCRIPT = Work.LEFT.resolve("script").resolve(FILE);
    private static final String STATEMENT_OUTSIDE = "Illegal start of toplevel definition";

    private Scala3() {
        super(FILE, ".scala");
    }

    public static void main(String[] args) throws IOException {
        System.exit(new Scala3().run());
    }

    @Override
    String libraries() {
        return LIBRARIES;
    }

    @Override
    String hint() {
        return "a program has an object with `def main(args: Array[String]): Unit`, a method with `@main`, or statements alone";
    }

    @Override
    boolean compile(List<Path> sources, Path output, PrintStream messages) {
        StringWriter said = new StringWriter();
        boolean good = scalac(sources, output, said);
        if (!good && sources.size() == 1 && said.toString().contains(STATEMENT_OUTSIDE)) {
            said = new StringWriter();
            good = scalac(List.of(script(sources.getFirst())), output, said);
        }
        messages.print(said.toString().replace(SCRIPT.toString(), FILE));
        return good;
    }

    private static boolean scalac(List<Path> sources, Path output, StringWriter messages) {
        List<String> words = new ArrayList<>(List.of("-color:never", "-encoding", "UTF-8", "-classpath", LIBRARIES, "-d",
                output.toString()));
        for (Path source : sources) words.add(source.toString());
        PrintWriter writer = new PrintWriter(messages, true);
        Reporter reporter = new dotty.tools.dotc.Driver().process(words.toArray(String[]::new), reporter(writer), null);
        return !reporter.hasErrors();
    }

    /** Its constructor takes what is read and what is written; how many of these, differs from version to version. */
    private static Reporter reporter(PrintWriter writer) {
        Constructor<?> constructor = ConsoleReporter.class.getConstructors()[0];
        BufferedReader nothing = new BufferedReader(Reader.nullReader());
        Object[] arguments = Stream.of(constructor.getParameterTypes())
                .map(type -> type == BufferedReader.class ? nothing : writer)
                .toArray();
        try {
            return (Reporter) constructor.newInstance(arguments);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The same statements in a main method, each on the line that it was on. */
    private static Path script(Path source) {
        try {
            Files.createDirectories(SCRIPT.getParent());
            return Files.writeString(SCRIPT, "object Main { def main(args: Array[String]): Unit = { "
                    + Files.readString(source) + "\n}}\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
