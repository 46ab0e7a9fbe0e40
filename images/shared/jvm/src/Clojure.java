import clojure.lang.RT;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;

/**
 * Runs `clojure.main` with the working folder behind its class path, from after Clojure has started: nothing there is asked for
 * before the program's file is opened (a user.clj, which Clojure would load at its start, is a file like others).
 */
final class Clojure {
    private Clojure() {}

    public static void main(String[] args) throws MalformedURLException {
        RT.init();
        URL folder = Path.of("").toUri().toURL();
        Thread.currentThread().setContextClassLoader(new URLClassLoader(new URL[] {folder}, Clojure.class.getClassLoader()));
        clojure.main.main(args);
    }
}
