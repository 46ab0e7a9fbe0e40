import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TaskEvent;
import com.sun.source.util.TaskListener;
import com.sun.source.util.TreePath;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.Writer;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import javax.lang.model.element.Element;
import javax.lang.model.element.ExecutableElement;
import javax.lang.model.element.Modifier;
import javax.lang.model.element.TypeElement;
import javax.lang.model.type.ArrayType;
import javax.lang.model.type.TypeKind;
import javax.lang.model.type.TypeMirror;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.ForwardingJavaFileObject;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/**
 * Compiles the working folder's Java with javac's own messages, and finds the class to start. As with `java Main.java`, a
 * public class may have another name than its file.
 */
final class Javac {
    private static final String FILE = "Main.java";
    /** -g: "Cannot invoke … because "name" is null" has the variable's name. */
    private static final List<String> OPTIONS = List.of("-g", "-proc:none");
    private static final int WARM_UPS = 3;

    private final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    private final StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null);

    public static void main(String[] args) throws IOException {
        Javac javac = new Javac();
        if (!Work.hasArrived(FILE)) javac.warmUp();
        System.exit(javac.compileFolder() ? 0 : 1);
    }

    private Javac() throws IOException {
        files.setLocationFromPaths(StandardLocation.CLASS_PATH, List.of()); // javac's default is the folder itself
    }

    /** Compiles a program from memory to nowhere, for the JVM to have loaded and compiled javac itself. */
    private void warmUp() throws IOException {
        JavaFileObject unit = new Text(FILE, Work.resource(FILE));
        for (int round = 0; round < WARM_UPS; round++) {
            compile(new Forgetful(files), List.of(unit), new PrintWriter(Writer.nullWriter()));
        }
    }

    private boolean compileFolder() throws IOException {
        List<JavaFileObject> units = new ArrayList<>();
        for (Path path : Work.sources(FILE, List.of(".java"))) {
            for (JavaFileObject file : files.getJavaFileObjects(path)) units.add(new AnyName(file));
        }
        Files.createDirectories(Work.CLASSES);
        files.setLocationFromPaths(StandardLocation.CLASS_OUTPUT, List.of(Work.CLASSES));
        PrintWriter messages = new PrintWriter(System.err, true);
        MainClass found = compile(files, units, messages);
        if (found == null) return false;
        if (found.name == null) {
            messages.println("error: " + found.missing());
            return false;
        }
        Work.leaveRun("", found.name);
        return true;
    }

    /** Null: there were errors. */
    private MainClass compile(JavaFileManager manager, List<JavaFileObject> units, PrintWriter messages) {
        JavacTask task = (JavacTask) compiler.getTask(messages, manager, null, OPTIONS, null, units);
        MainClass listener = new MainClass(task);
        task.addTaskListener(listener);
        return task.call() ? listener : null;
    }

    /**
     * Finds the class to start when javac knows all classes: the one with a main method that has the file's name, else the
     * first; in the program's file, else in the others.
     */
    private static final class MainClass implements TaskListener {
        private final JavacTask task;
        private final List<CompilationUnitTree> units = new ArrayList<>();
        private String name;
        private boolean hasClass;

        MainClass(JavacTask task) {
            this.task = task;
        }

        @Override
        public void finished(TaskEvent event) {
            if (event.getKind() == TaskEvent.Kind.PARSE) units.add(event.getCompilationUnit());
            if (event.getKind() == TaskEvent.Kind.ANALYZE && name == null) name = find();
        }

        private String find() {
            List<TypeElement> classes = new ArrayList<>();
            for (CompilationUnitTree unit : units) {
                List<TypeElement> own = classesOf(unit);
                own.sort(Comparator.comparing(type -> !FILE.equals(type.getSimpleName() + ".java")));
                classes.addAll(own);
            }
            for (TypeElement type : classes) {
                if (hasMain(type)) return task.getElements().getBinaryName(type).toString();
            }
            hasClass = !classes.isEmpty();
            return null;
        }

        /** What a program without a class to start lacks. */
        String missing() {
            if (!hasClass) return "no class declared in " + FILE;
            String simplest = Runtime.version().feature() < 25 ? "" : " or `void main()`";
            return "no main method found in " + FILE + ": a class needs `public static void main(String[] args)`" + simplest;
        }

        private List<TypeElement> classesOf(CompilationUnitTree unit) {
            List<TypeElement> types = new ArrayList<>();
            for (Tree tree : unit.getTypeDecls()) {
                if (!(tree instanceof ClassTree)) continue;
                Element element = Trees.instance(task).getElement(TreePath.getPath(unit, tree));
                if (element instanceof TypeElement type) types.add(type);
            }
            return types;
        }

        private boolean hasMain(TypeElement type) {
            for (Element member : task.getElements().getAllMembers(type)) {
                if (member instanceof ExecutableElement method && isMain(method)) return true;
            }
            return false;
        }

        /** Since Java 25 it need be neither public nor static, nor take the arguments. */
        private boolean isMain(ExecutableElement method) {
            Set<Modifier> modifiers = method.getModifiers();
            boolean takesArguments = method.getParameters().size() == 1 && isStrings(method.getParameters().getFirst().asType());
            if (!method.getSimpleName().contentEquals("main") || method.getReturnType().getKind() != TypeKind.VOID) return false;
            if (Runtime.version().feature() < 25) {
                return takesArguments && modifiers.containsAll(Set.of(Modifier.PUBLIC, Modifier.STATIC));
            }
            return (takesArguments || method.getParameters().isEmpty()) && !modifiers.contains(Modifier.PRIVATE);
        }

        private boolean isStrings(TypeMirror type) {
            TypeMirror string = task.getElements().getTypeElement("java.lang.String").asType();
            return type instanceof ArrayType array && task.getTypes().isSameType(array.getComponentType(), string);
        }
    }

    /** A source file in which a public class of any name may be; module-info and package-info are no classes. */
    private static final class AnyName extends ForwardingJavaFileObject<JavaFileObject> {
        AnyName(JavaFileObject file) {
            super(file);
        }

        @Override
        public boolean isNameCompatible(String simpleName, Kind kind) {
            return (kind == Kind.SOURCE && !simpleName.endsWith("-info")) || super.isNameCompatible(simpleName, kind);
        }
    }

    /** A source file in memory; as an output, one that takes what is written and forgets it. */
    private static final class Text extends SimpleJavaFileObject {
        private final String text;

        Text(String name, String text) {
            super(URI.create("memory:/" + name), name.endsWith(".java") ? Kind.SOURCE : Kind.CLASS);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }

        @Override
        public OutputStream openOutputStream() {
            return OutputStream.nullOutputStream();
        }
    }

    private static final class Forgetful extends ForwardingJavaFileManager<JavaFileManager> {
        Forgetful(JavaFileManager manager) {
            super(manager);
        }

        @Override
        public JavaFileObject getJavaFileForOutput(Location place, String name, JavaFileObject.Kind kind, FileObject from) {
            return new Text(name, "");
        }
    }
}
