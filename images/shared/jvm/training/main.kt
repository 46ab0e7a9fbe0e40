import kotlin.math.sqrt

data class Person(val name: String, val age: Int)

sealed interface Shape
class Circle(val radius: Double) : Shape
class Square(val side: Double) : Shape

enum class Colour { RED, GREEN }

interface Named { val name: String; fun greet() = "Hello, $name" }

abstract class Animal(override val name: String) : Named { abstract fun sound(): String }

class Dog(name: String) : Animal(name) {
    override fun sound() = "Woof"
    companion object { const val LEGS = 4 }
}

object Counter { var count = 0; fun next(): Int = ++count }

class Stack<T : Comparable<T>> {
    private val items = mutableListOf<T>()
    operator fun plusAssign(item: T) { items.add(item) }
    fun max(): T? = items.maxOrNull()
    val size get() = items.size
}

fun area(shape: Shape): Double = when (shape) {
    is Circle -> Math.PI * shape.radius * shape.radius
    is Square -> shape.side * shape.side
}

fun String.shout(times: Int = 1) = uppercase() + "!".repeat(times)

tailrec fun gcd(a: Int, b: Int): Int = if (b == 0) a else gcd(b, a % b)

inline fun <reified T> kind(value: Any?) = if (value is T) T::class.simpleName else null

fun main(args: Array<String>) {
    generateSequence(::readLine).forEach { println(it) }
    val people = listOf(Person("Ann", 30), Person("Bob", 25)).sortedBy { it.age }
    for ((name, age) in people) println("$name is $age, ${if (age > 26) "old" else "young"}")
    val counts = mutableMapOf<String, Int>()
    for (word in "a b a c".split(" ")) counts[word] = (counts[word] ?: 0) + 1
    println(counts.toSortedMap().map { (key, value) -> "$key=$value" }.joinToString())
    println(people.groupBy { it.age / 10 }.mapValues { it.value.size })
    val numbers = IntArray(5) { it * it }
    println(numbers.filter { it % 2 == 0 }.sum() + numbers.reduce { a, b -> a + b })
    for (i in 10 downTo 1 step 3) print("$i ")
    println(area(Circle(1.0)) + area(Square(sqrt(2.0))))
    val stack = Stack<Int>()
    stack += 3; stack += gcd(12, 18)
    println("${stack.max()} ${stack.size} ${Dog("Rex").greet()} ${Dog.LEGS} ${Colour.valueOf("RED")} ${Counter.next()}")
    val text: String? = args.firstOrNull()
    println(text?.length ?: "none".shout(2))
    println(kind<String>("x") + String.format("%.2f", 3.14159))
    val lazyValue by lazy { 42 }
    val add: (Int, Int) -> Int = { a, b -> a + b }
    println(add(lazyValue, 1).let { it * 2 }.also { println(it) })
    val grid = Array(3) { row -> Array(3) { column -> row * column } }
    println(grid.joinToString("\n") { it.joinToString(" ") })
    println(sequence { var n = 1; while (true) { yield(n); n *= 2 } }.take(5).toList())
    try { error("the end") } catch (e: IllegalStateException) { println(e.message) } finally { println("done") }
    val builder = StringBuilder()
    var n = 27L
    while (n != 1L) { n = if (n % 2 == 0L) n / 2 else 3 * n + 1; builder.append(n.toString().first()) }
    println(builder.reversed())
    require(args.size < 100) { "too many" }
    val maybe = runCatching { "12x".toInt() }.getOrElse { -1 }
    println(maybe)
}
