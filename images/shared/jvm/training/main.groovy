import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import groovy.transform.Canonical

@Canonical class Person { String name; int age }

interface Named { String getName() }
trait Greets { String greet() { "Hello, $name" } }
class Dog implements Named, Greets { String name = 'Rex' }

def fibonacci(n) { n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2) }

System.in.eachLine { println it }
def people = [new Person('Ann', 30), new Person('Bob', 25)].sort { it.age }
people.each { println "${it.name} is ${it.age}" }
println((1..10).findAll { it % 2 == 0 }.collect { it * it }.sum())
def counts = 'a b a c'.split(' ').countBy { it }
println counts.collect { key, value -> "$key=$value" }.join(', ')
println fibonacci(10) + new Dog().greet()
println JsonOutput.toJson([a: 1, b: [1, 2]]) + new JsonSlurper().parseText('{"x": 1}').x
println people.groupBy { it.age > 26 }.size() + 2**100 + ' ' + 1.1 * 3
def matcher = 'abc123' =~ /\d+/
println matcher[0] + String.format('%.2f', 3.14159d)
switch (42) { case Integer: println 'integer'; break; case ~/x.*/: println 'x'; break; default: println 'other' }
try { assert 1 + 1 == 3 } catch (AssertionError e) { println 'caught' }
def (a, b) = [1, 2]
println a <=> b
println people*.name.inject('') { text, name -> text + name }.with { toUpperCase().reverse() }
for (i in 0..<3) print "$i "
def text = """several
lines"""
println text?.readLines()?.size() ?: 0
throw new IllegalStateException('the end')
