import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;

/** Compiles the working folder's Kotlin as `kotlinc` does, and finds `fun main`. */
final class Kotlinc extends Driver {
    private static final String HOME = "/opt/kotlin";
    private static final String LIBRARIES = String.join(":", HOME + "/lib/kotlin-stdlib.jar",
            HOME + "/lib/kotlinx-coroutines-core-jvm.jar", HOME + "/lib/kotlin-reflect.jar");

    private Kotlinc() {
        super("main.kt", ".kt");
    }

    public static void main(String[] args) throws IOException {
        System.exit(new Kotlinc().run());
    }

    @Override
    String libraries() {
        return LIBRARIES;
    }

    @Override
    boolean compile(List<Path> sources, Path output, PrintStream messages) {
        List<String> words = new ArrayList<>(List.of("-kotlin-home", HOME, "-no-stdlib", "-no-reflect", "-jvm-target",
                String.valueOf(Runtime.version().feature()), "-cp", LIBRARIES, "-d", output.toString()));
        for (Path source : sources) words.add(source.toString());
        return new K2JVMCompiler().exec(messages, words.toArray(String[]::new)) == ExitCode.OK;
    }
}
