import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The working folder, as the compile commands see it: the process's own, where the program's file and its others are. */
final class Work {
    /** What the compile command leaves for the run command; hidden, so that a program that lists its folder sees its own files. */
    static final Path LEFT = Path.of(".compiled");
    /** Classes, in folders by package. */
    static final Path CLASSES = LEFT.resolve("classes");

    private Work() {}

    /** The text of a file beside this class. */
    static String resource(String name) throws IOException {
        try (InputStream stream = Work.class.getResourceAsStream(name)) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Whether the program is there. A waiting cell starts the compile command before it is, and holds it where it opens the folder. */
    static boolean hasArrived(String file) {
        return Files.exists(Path.of(file));
    }

    /** Every file below the folder whose name ends so, `first` at the head; hidden folders left out. */
    static List<Path> sources(String first, List<String> endings) throws IOException {
        List<Path> found = new ArrayList<>();
        try (Stream<Path> paths = Files.walk(Path.of(""))) {
            paths.filter(path -> endings.stream().anyMatch(path.toString()::endsWith))
                    .filter(path -> !isHidden(path))
                    .forEach(found::add);
        }
        Path head = Path.of(first);
        found.sort(Comparator.comparing((Path path) -> !path.equals(head)).thenComparing(Path::toString));
        return found;
    }

    private static boolean isHidden(Path path) {
        for (Path part : path) {
            if (part.toString().startsWith(".")) return true;
        }
        return false;
    }

    /** Leaves the argument file that `java @.compiled/run` reads: `libraries` (may be empty), the classes, the folder, the class to start. */
    static void leaveRun(String libraries, String mainClass) throws IOException {
        String before = libraries.isEmpty() ? "" : libraries + ":";
        Files.createDirectories(CLASSES);
        Files.writeString(LEFT.resolve("run"), "-cp " + before + CLASSES + ":. \"" + mainClass + "\"\n");
    }
}
