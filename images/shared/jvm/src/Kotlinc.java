import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;

/**
 * Compiles the working folder's Kotlin as `kotlinc` does, and finds `fun main`. A main.kt with statements outside any function
 * is a script, as a main.kts is for `kotlin main.kts`.
 */
final class Kotlinc extends Driver {
    private static final String HOME = "/opt/kotlin";
    private static final String LIBRARIES = String.join(":", HOME + "/lib/kotlin-stdlib.jar",
            HOME + "/lib/kotlinx-coroutines-core-jvm.jar", HOME + "/lib/kotlin-reflect.jar");
    /** Of a script besides: the class that it is compiled to extends one of these. */
    private static final String SCRIPT_LIBRARIES = LIBRARIES + ":" + HOME + "/lib/kotlin-script-runtime.jar";
    private static final String FILE = "main.kt";
    private static final Path SCRIPT = Work.LEFT.resolve("script").resolve("main.kts");
    private static final Pattern STATEMENT_OUTSIDE =
            Pattern.compile("^main\\.kt:\\d+:\\d+: error: syntax error: Expecting a top level declaration", Pattern.MULTILINE);
    private static final Pattern MAIN_FUNCTION = Pattern.compile("^\\s*(suspend\\s+)?fun\\s+main\\s*\\(", Pattern.MULTILINE);
    private static final ClassDesc STRINGS = ConstantDescs.CD_String.arrayType();
    private static final MethodTypeDesc TAKES_STRINGS = MethodTypeDesc.of(ConstantDescs.CD_void, STRINGS);

    private boolean isScript;

    private Kotlinc() {
        super(FILE, ".kt");
    }

    public static void main(String[] args) throws IOException {
        System.exit(new Kotlinc().run());
    }

    @Override
    String libraries() {
        return isScript ? SCRIPT_LIBRARIES : LIBRARIES;
    }

    @Override
    String hint() {
        return "a program has a `fun main()`, or statements outside any function";
    }

    @Override
    boolean compile(List<Path> sources, Path output, PrintStream messages) {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        boolean good = kotlinc(sources, output, LIBRARIES, List.of("-Xdisable-default-scripting-plugin"), said);
        if (!good && STATEMENT_OUTSIDE.matcher(text(said)).find()) {
            ByteArrayOutputStream saidOfScript = new ByteArrayOutputStream();
            try {
                isScript = compileScript(sources, output, saidOfScript);
                // A program with a slip outside its functions is told of the slip.
                if (isScript || !MAIN_FUNCTION.matcher(Files.readString(Path.of(FILE))).find()) said = saidOfScript;
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
            good = isScript;
        }
        messages.print(text(said).replace(SCRIPT.toString(), SCRIPT.getFileName().toString()));
        return good;
    }

    private static boolean kotlinc(List<Path> sources, Path output, String libraries, List<String> options,
            ByteArrayOutputStream said) {
        List<String> words = new ArrayList<>(options);
        words.addAll(List.of("-kotlin-home", HOME, "-no-stdlib", "-no-reflect", "-jvm-target",
                String.valueOf(Runtime.version().feature()), "-cp", libraries, "-d", output.toString()));
        for (Path source : sources) words.add(source.toString());
        PrintStream messages = new PrintStream(said, true, StandardCharsets.UTF_8);
        return new K2JVMCompiler().exec(messages, words.toArray(String[]::new)) == ExitCode.OK;
    }

    /** Whether the compiler takes main.kt as a script: for it a script is what is named so. */
    private static boolean compileScript(List<Path> sources, Path output, ByteArrayOutputStream said) throws IOException {
        Files.createDirectories(SCRIPT.getParent());
        Files.copy(Path.of(FILE), SCRIPT);
        List<Path> all = new ArrayList<>(List.of(SCRIPT));
        all.addAll(sources.subList(1, sources.size()));
        if (!kotlinc(all, output, SCRIPT_LIBRARIES, List.of(), said)) return false;
        List<Path> paths;
        try (Stream<Path> found = Files.walk(output)) {
            paths = found.filter(path -> path.getFileName().toString().equals("Main.class")).toList();
        }
        for (Path path : paths) makeStartable(path);
        return true;
    }

    /** The script's statements are its constructor, and its main method would look for a host of scripts: now it calls the constructor. */
    private static void makeStartable(Path path) throws IOException {
        ClassModel script = ClassFile.of().parse(path);
        ClassDesc type = script.thisClass().asSymbol();
        MethodTransform callsConstructor = (method, element) -> {
            if (element instanceof CodeModel) method.withCode(code -> construct(code, type));
            else method.with(element);
        };
        Files.write(path, ClassFile.of().transformClass(script, ClassTransform.transformingMethods(
                Kotlinc::isMain, callsConstructor)));
    }

    private static boolean isMain(MethodModel method) {
        return method.methodName().equalsString("main") && method.methodTypeSymbol().equals(TAKES_STRINGS);
    }

    private static void construct(CodeBuilder code, ClassDesc type) {
        code.new_(type).aload(0).invokespecial(type, ConstantDescs.INIT_NAME, TAKES_STRINGS).return_();
    }

    private static String text(ByteArrayOutputStream said) {
        return said.toString(StandardCharsets.UTF_8);
    }
}
