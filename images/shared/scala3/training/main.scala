import scala.collection.mutable
import scala.io.StdIn.readLine

enum Shape:
  case Circle(radius: Double)
  case Square(side: Double)

case class Word(text: String, count: Int)

trait Named:
  def name: String
  def greet = s"Hello, $name!"

object Main extends Named:
  val name = "World"

  def area(shape: Shape) = shape match
    case Shape.Circle(radius) => math.Pi * radius * radius
    case Shape.Square(side) => side * side

  def main(args: Array[String]): Unit =
    println(greet)
    val line = Option(readLine()).getOrElse("")
    val words = line.split(" ").toSeq.groupBy(identity).map((text, all) => Word(text, all.size)).toSeq.sortBy(_.text)
    words.foreach(println)
    val found = mutable.Map[String, Int]()
    for word <- words do found(word.text) = word.count
    println(found.getOrElse("none", 0) + List(1, 2, 3).map(_ * 2).sum + BigInt(2).pow(10).toInt)
    println(List(Shape.Circle(1), Shape.Square(2)).map(area).map(a => f"$a%.2f").mkString(", "))
    println("abc".zipWithIndex.collect { case (c, i) if i > 0 => c }.mkString)
