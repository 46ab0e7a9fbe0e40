;; Runs the program as guile does with its cache of compiled files, but compiles in memory: the root is read-only. A cell
;; that waits for its program has the compiler loaded when it comes.
(use-modules (system base compile))

(set-program-arguments (cdr (command-line)))
(let ((file (car (command-line))))
  (unless (file-exists? file)
    (compile '(let loop ((n 3)) (if (> n 0) (loop (- n 1)) (list n))) #:to 'value))
  (compile-and-load file))
