(ns main
  (:require [clojure.string :as str]
            [clojure.set :as set]
            [clojure.edn :as edn]
            [clojure.java.io :as io]
            [clojure.pprint :refer [pprint]]))

(defrecord Person [name age])
(defprotocol Shape (area [this]))
(deftype Circle [radius] Shape (area [_] (* Math/PI radius radius)))
(defmulti sound :kind)
(defmethod sound :dog [_] "Woof")
(defmacro unless [test & body] `(if ~test nil (do ~@body)))
(def counter (atom 0))

(defn fibonacci
  ([] (fibonacci 0 1))
  ([a b] (lazy-seq (cons a (fibonacci b (+' a b))))))

(doseq [line (line-seq (io/reader *in*))] (println line))
(println (sort-by :age [(->Person "Ann" 30) (->Person "Bob" 25)]))
(println (area (Circle. 1)) (sound {:kind :dog}) (take 10 (fibonacci)))
(println (->> (range 10) (filter even?) (map #(* % %)) (reduce +)))
(println (frequencies (str/split "a b a c" #" ")) (set/union #{1} #{2}) (edn/read-string "{:a [1 2]}"))
(let [{:keys [a b] :or {b 2}} {:a 1} [x & more] [1 2 3]] (println a b x more (format "%.2f" 3.14159)))
(loop [n 27 steps 0] (if (= n 1) (println steps) (recur (if (even? n) (quot n 2) (inc (* 3 n))) (inc steps))))
(swap! counter inc)
(unless false (println @counter (future-call (fn [] 1))))
(pprint {:name "x" :items (vec (range 5))})
(try (throw (ex-info "the end" {:code 7})) (catch Exception e (println (ex-message e) (ex-data e))))
(println (for [x (range 3) y (range 3) :when (< x y)] [x y]) (group-by odd? (range 5)) (into {} (zipmap [:a :b] [1 2])))
(println (transduce (comp (map inc) (filter odd?)) + (range 10)) (re-find #"\d+" "abc123") (apply max [1 2 3]))
(shutdown-agents)
(throw (ex-info "the end" {}))
