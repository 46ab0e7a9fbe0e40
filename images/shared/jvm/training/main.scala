import scala.collection.mutable
import scala.io.{Source, StdIn}
import scala.util.{Failure, Success, Try}

case class Person(name: String, age: Int)

sealed trait Shape
case class Circle(radius: Double) extends Shape
case class Square(side: Double) extends Shape

trait Named { def name: String; def greet: String = s"Hello, $name" }
abstract class Animal(val name: String) extends Named { def sound: String }
class Dog(name: String) extends Animal(name) { override def sound = "Woof" }

class Stack[T](implicit order: Ordering[T]) {
  private var items: List[T] = Nil
  def push(item: T): this.type = { items ::= item; this }
  def max: Option[T] = if (items.isEmpty) None else Some(items.max)
}

object Colour extends Enumeration { val Red, Green = Value }

object Main {
  implicit class Shout(val text: String) extends AnyVal { def shout(times: Int = 1): String = text.toUpperCase + "!" * times }

  def area(shape: Shape): Double = shape match {
    case Circle(radius) => math.Pi * radius * radius
    case Square(side) if side > 0 => side * side
    case _ => 0
  }

  @annotation.tailrec
  def gcd(a: Int, b: Int): Int = if (b == 0) a else gcd(b, a % b)

  def main(args: Array[String]): Unit = {
    for (line <- Source.stdin.getLines) println(line)
    val people = List(Person("Ann", 30), Person("Bob", 25)).sortBy(_.age)
    for (Person(name, age) <- people) println(s"$name is $age, ${if (age > 26) "old" else "young"}")
    val counts = mutable.Map.empty[String, Int].withDefaultValue(0)
    for (word <- "a b a c".split(" ")) counts(word) += 1
    println(counts.toSeq.sorted.map { case (key, value) => s"$key=$value" }.mkString(", "))
    println(people.groupBy(_.age / 10).mapValues(_.size).toMap)
    val numbers = Array.tabulate(5)(n => n * n)
    println(numbers.filter(_ % 2 == 0).sum + numbers.reduce(_ + _))
    for (i <- 10 to 1 by -3; j <- 0 until 2 if j != i) print(f"$i%02d ")
    println(area(Circle(1)) + area(Square(math.sqrt(2))))
    println(new Stack[Int].push(3).push(gcd(12, 18)).max + new Dog("Rex").greet + Colour.Red + "x".shout(2))
    val result: Either[String, Int] = Try("12x".toInt) match {
      case Success(value) => Right(value)
      case Failure(error) => Left(error.getMessage)
    }
    println(result.fold(identity, _.toString))
    lazy val squares: Stream[Int] = Stream.from(1).map(n => n * n)
    println(squares.takeWhile(_ < 50).toList.zipWithIndex.foldLeft(0) { case (sum, (n, i)) => sum + n * i })
    val buffer = mutable.ArrayBuffer[Int]()
    var n = 27L
    while (n != 1) { n = if (n % 2 == 0) n / 2 else 3 * n + 1; buffer += n.toInt % 10 }
    println(buffer.distinct.sorted.mkString("[", " ", "]") + BigInt(2).pow(100))
    try { sys.error("the end") } catch { case e: RuntimeException => println(e.getMessage) } finally println("done")
    val add: Int => Int => Int = a => b => a + b
    println(Option(System.getenv("HOME")).map(_.length).getOrElse(0) + add(1)(2))
  }
}
