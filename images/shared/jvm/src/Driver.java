import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What the commands that compile Kotlin and Scala have in common. */
abstract class Driver {
    private static final int WARM_UPS = 3;

    private final String file;
    private final String ending;

    /** `file`: the program's own in the working folder; `ending`: of what is compiled with it. */
    Driver(String file, String ending) {
        this.file = file;
        this.ending = ending;
    }

    /** Compiles these into that folder, the compiler's own messages to `messages`; false: there were errors. */
    abstract boolean compile(List<Path> sources, Path output, PrintStream messages);

    /** What the program needs beside its own classes, as a class path. */
    abstract String libraries();

    /** How a program that can be started is written. */
    abstract String hint();

    /** The whole command: its exit code. */
    final int run() throws IOException {
        if (!Work.hasArrived(file)) warmUp();
        List<Path> sources = Work.sources(file, List.of(ending));
        Files.createDirectories(Work.CLASSES);
        if (!compile(sources, Work.CLASSES, System.err)) return 1;
        Optional<String> mainClass = MainClass.find(Work.CLASSES, file);
        if (mainClass.isEmpty()) {
            System.err.println("error: no main method found in " + file + ": " + hint());
            return 1;
        }
        Work.leaveRun(libraries(), mainClass.get());
        return 0;
    }

    /** Compiles a small program elsewhere, for the JVM to have loaded and compiled the compiler itself. */
    private void warmUp() throws IOException {
        Path folder = Files.createTempDirectory("warm-up");
        Path source = folder.resolve(file);
        Files.writeString(source, Work.resource(file));
        PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
        for (int round = 0; round < WARM_UPS; round++) compile(List.of(source), folder, nowhere);
        List<Path> made;
        try (Stream<Path> paths = Files.walk(folder)) {
            made = paths.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : made) Files.delete(path);
    }
}
