;; Required before the program. A cell that waits for its program has what most programs are made with loaded when it
;; comes: #lang racket, and the macro expander and compiler at work. What the program sees is the same with and without.
(module warm '#%kernel
  (module configure-runtime '#%kernel
    (#%require racket/runtime-config)
    (configure #f))
  (if (file-exists? "main.rkt")
      (void)
      (begin
        (namespace-require 'racket/base)
        (eval '(module codecell-warm racket
                 (struct point (x y) #:transparent)
                 (define (sum points)
                   (for/fold ([total 0]) ([p (in-list points)])
                     (match p [(point x y) (+ total x y)])))
                 (format "~a" (sum (list (point 1 2)))))))))
