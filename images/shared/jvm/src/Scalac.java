import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import scala.Console$;
import scala.tools.nsc.MainClass;

/**
 * Compiles the working folder's Scala as `scalac` does, and finds the object with a main method. A single file of statements
 * outside any object is a script, as it is for `scala main.scala`.
 */
final class Scalac extends Driver {
    private static final String HOME = "/opt/scala";
    private static final String LIBRARIES = String.join(":", HOME + "/scala-library.jar", HOME + "/scala-reflect.jar",
            HOME + "/scala-xml.jar", HOME + "/scala-parser-combinators.jar");
    private static final String OUTSIDE_ANY_OBJECT = "error: expected class or object definition";

    private Scalac() {
        super("main.scala", ".scala");
    }

    public static void main(String[] args) throws IOException {
        System.exit(new Scalac().run());
    }

    @Override
    String libraries() {
        return LIBRARIES;
    }

    @Override
    String hint() {
        return "a program has an object with `def main(args: Array[String]): Unit`, an object that extends App, or statements alone";
    }

    @Override
    boolean compile(List<Path> sources, Path output, PrintStream messages) {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        boolean good = scalac(sources, output, List.of(), said);
        if (!good && sources.size() == 1 && said.toString(StandardCharsets.UTF_8).contains(OUTSIDE_ANY_OBJECT)) {
            said.reset();
            good = scalac(sources, output, List.of("-Xscript", "Main"), said);
        }
        messages.print(said.toString(StandardCharsets.UTF_8));
        return good;
    }

    private static boolean scalac(List<Path> sources, Path output, List<String> options, OutputStream messages) {
        List<String> words = new ArrayList<>(options);
        words.addAll(List.of("-encoding", "UTF-8", "-cp", LIBRARIES, "-d", output.toString()));
        for (Path source : sources) words.add(source.toString());
        Console$.MODULE$.setErr(new PrintStream(messages, true, StandardCharsets.UTF_8));
        MainClass scalac = new MainClass();
        scalac.process(words.toArray(String[]::new));
        return !scalac.reporter().hasErrors();
    }
}
