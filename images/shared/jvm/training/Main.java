import java.io.*;
import java.math.BigInteger;
import java.time.LocalDate;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.*;
import java.util.regex.Pattern;
import java.util.stream.*;

/** What small programs use: compiled by a compiler that waits, and run where archives of classes are made. */
public class Main {
    sealed interface Shape permits Circle, Square {}
    record Circle(double radius) implements Shape {}
    record Square(double side) implements Shape {}
    enum Colour { RED, GREEN; Colour next() { return values()[(ordinal() + 1) % values().length]; } }

    static abstract class Animal {
        protected final String name;
        Animal(String name) { this.name = name; }
        abstract String sound();
        @Override public String toString() { return name + " says " + sound(); }
    }

    static class Dog extends Animal {
        Dog(String name) { super(name); }
        @Override String sound() { return "Woof"; }
    }

    static class Node<T extends Comparable<T>> {
        T value;
        Node<T> left, right;
        Node(T value) { this.value = value; }
        void add(T other) {
            if (other.compareTo(value) < 0) {
                if (left == null) left = new Node<>(other); else left.add(other);
            } else if (right == null) right = new Node<>(other); else right.add(other);
        }
        void walk(Consumer<T> visitor) {
            if (left != null) left.walk(visitor);
            visitor.accept(value);
            if (right != null) right.walk(visitor);
        }
    }

    static double area(Shape shape) {
        return switch (shape) {
            case Circle c -> Math.PI * c.radius() * c.radius();
            case Square(double side) -> side * side;
        };
    }

    static long fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

    static boolean isPrime(int n) {
        for (int i = 2; (long) i * i <= n; i++) if (n % i == 0) return false;
        return n > 1;
    }

    static int parse(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            return -1;
        } finally {
            System.out.print("");
        }
    }

    public static void main(String[] args) throws Exception {
        BufferedReader reader = new BufferedReader(new InputStreamReader(System.in));
        String line;
        while ((line = reader.readLine()) != null) System.out.println(line);
        Scanner scanner = new Scanner("3 4.5 word\nsecond line\n");
        System.out.println(scanner.nextInt() + " " + scanner.nextDouble() + " " + scanner.next() + scanner.nextLine() + scanner.nextLine());
        int[] numbers = {5, 3, 8, 1};
        int[][] grid = new int[3][4];
        for (int i = 0; i < 3; i++) for (int j = 0; j < 4; j++) grid[i][j] = i * j;
        Arrays.sort(numbers);
        System.out.println(Arrays.toString(numbers) + Arrays.deepToString(grid));
        Map<String, Integer> counts = new HashMap<>();
        for (String word : "the quick brown fox jumps over the lazy dog".split(" ")) counts.merge(word, 1, Integer::sum);
        for (Map.Entry<String, Integer> entry : new TreeMap<>(counts).entrySet()) {
            System.out.printf("%-6s %d%n", entry.getKey(), entry.getValue());
        }
        List<Integer> list = new ArrayList<>(List.of(3, 1, 2));
        Collections.sort(list);
        list.sort(Comparator.reverseOrder());
        System.out.println(list + " " + list.stream().map(n -> n * n).filter(n -> n > 1).collect(Collectors.toList()));
        System.out.println(IntStream.rangeClosed(1, 5).mapToObj(Integer::toString).collect(Collectors.joining(", ")));
        System.out.println(Stream.of("a", "bb", "cc").collect(Collectors.groupingBy(String::length, Collectors.counting())));
        Deque<Integer> deque = new ArrayDeque<>();
        Queue<Integer> heap = new PriorityQueue<>();
        Set<Character> seen = new LinkedHashSet<>();
        for (char c : "hello".toCharArray()) if (seen.add(c)) deque.push((int) c);
        while (!deque.isEmpty()) heap.offer(deque.pop());
        StringBuilder builder = new StringBuilder();
        while (!heap.isEmpty()) builder.append((char) (int) heap.poll()).append(' ');
        System.out.println(builder.reverse());
        Node<Integer> root = new Node<>(4);
        for (int n : new int[] {2, 6, 1}) root.add(n);
        root.walk(n -> System.out.print(n + " "));
        System.out.println(String.format("%.3f %05d %s", area(new Circle(1)), 42, new Square(2)));
        System.out.println(BigInteger.TWO.pow(100) + " " + Pattern.compile("(\\w+)@(\\w+)").matcher("me@home").matches());
        System.out.println(LocalDate.of(2024, 2, 28).plusDays(2) + " " + Colour.RED.next() + " " + new Dog("Rex"));
        Object value = 42;
        String text = value instanceof Integer i && i > 40 ? """
            large
            """ : "small";
        System.out.print(text);
        Function<Integer, Function<Integer, Integer>> adder = a -> b -> a + b;
        Supplier<String> supplier = () -> "supplied " + adder.apply(1).apply(2);
        Optional<String> optional = Optional.of(supplier.get()).filter(s -> !s.isEmpty());
        System.out.println(optional.orElse("none") + fibonacci(15) + isPrime(97) + parse("x"));
        try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
            Future<Integer> future = pool.submit(() -> 6 * 7);
            System.out.println(future.get());
        }
        Thread thread = new Thread(() -> System.out.println("in a thread"));
        thread.start();
        thread.join();
        try {
            Object[] objects = new String[1];
            objects[0] = 1;
        } catch (ArrayStoreException e) {
            e.printStackTrace();
        }
        label:
        for (int i = 0; ; i++) {
            switch (i % 3) { case 0: continue label; case 2: break label; default: }
        }
        int n = 0;
        do { n += 3; n ^= n >> 1; n = n > 50 ? ~n : n; } while (n < 30 && n >= 0);
        long sum = 0L;
        for (long l = 0; l < 1_000; l++) sum += l % 7 == 0 ? l : -1;
        char letter = (char) ('a' + 1);
        System.out.println(sum + letter + 1.5f + 2e3 + " " + n + (byte) 300 + 0x7F + '\u00e9');
        throw new IllegalStateException("the end");
    }
}
