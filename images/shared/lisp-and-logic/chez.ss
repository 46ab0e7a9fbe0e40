;; Runs main.ss as chezscheme --script would, and tells of an error where it happened: the lines of the program that were
;; under way, innermost first.
(define (places continuation)
  (let walk ([object (inspect/object continuation)] [found '()])
    (if (eq? (object 'type) 'continuation)
        (walk (object 'link)
              (call-with-values
                (lambda () (object 'source-path))
                (case-lambda
                  [(path line column)
                   (let ([place (format "~a:~a:~a" path line column)])
                     (if (member place found) found (cons place found)))]
                  [_ found])))
        (reverse found))))

(define (mistake? condition)
  (or (serious-condition? condition) (not (warning? condition))))

(let ([handle (base-exception-handler)] [arguments (cdr (command-line))])
  (base-exception-handler
    (lambda (condition)
      (if (mistake? condition)
          (let ([port (console-error-port)])
            (flush-output-port (console-output-port))
            (display-condition condition port)
            (newline port)
            (when (continuation-condition? condition)
              (for-each (lambda (place) (format port "  at ~a~%" place))
                        (places (condition-continuation condition))))
            (exit 255))
          (handle condition))))
  (command-line arguments)
  (load (car arguments)))
