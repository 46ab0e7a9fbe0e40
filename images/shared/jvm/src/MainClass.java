import java.io.IOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.reflect.AccessFlag;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The class to start among compiled ones: one with a static main method; of the program's own file, if it has any. */
record MainClass(String name, String source) {
    static Optional<String> find(Path folder, String file) throws IOException {
        List<Path> paths;
        try (Stream<Path> all = Files.walk(folder)) {
            paths = all.filter(path -> path.toString().endsWith(".class")).sorted().toList();
        }
        Optional<MainClass> best = Optional.empty();
        for (Path path : paths) {
            MainClass candidate = read(ClassFile.of().parse(path));
            if (candidate == null) continue;
            if (best.isEmpty() || candidate.source.equals(file) && !best.get().source.equals(file)) {
                best = Optional.of(candidate);
            }
        }
        return best.map(MainClass::name);
    }

    /** Null: it has no main method. */
    private static MainClass read(ClassModel type) {
        boolean hasMain = type.methods().stream().anyMatch(method -> method.methodName().equalsString("main")
                && method.methodType().equalsString("([Ljava/lang/String;)V") && method.flags().has(AccessFlag.STATIC));
        if (!hasMain) return null;
        String source = type.findAttribute(Attributes.sourceFile()).map(found -> found.sourceFile().stringValue()).orElse("");
        return new MainClass(type.thisClass().asInternalName().replace('/', '.'), source);
    }
}
