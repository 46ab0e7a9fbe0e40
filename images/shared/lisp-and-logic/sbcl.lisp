;; Makes sbcl.core: SBCL with the libraries loaded, as it cannot write their compiled files when a program asks for them.
(require :asdf)
(asdf:initialize-source-registry '(:source-registry (:tree "/usr/share/common-lisp/source/") :ignore-inherited-configuration))
(dolist (system '("alexandria" "cl-ppcre"))
  (asdf:load-system system))
(sb-ext:save-lisp-and-die "/usr/lib/codecell/sbcl.core")
