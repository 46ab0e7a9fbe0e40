// Command codecell-go compiles the program in the working folder to /tmp/main.
//
// Most programs are files of package main that import the standard library alone. Compiling and linking them takes half the
// time that the go command takes to find that out; everything else is its work.
package main

import (
	"bufio"
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	importcfg = "/opt/go/importcfg" // where the standard library's packages lie, compiled
	root      = "/usr/lib/go"
	object    = "/tmp/main.a"
	output    = "/tmp/main"
	trimmed   = "/tmp/go/trim.txt" // where the cache's own trim.txt leads
)

func main() {
	files := sources()
	program()
	if !plain(files) {
		build(files)
	}
	tools := filepath.Join(root, "pkg/tool", runtime.GOOS+"_"+runtime.GOARCH)
	language := runtime.Version() // go1.24.4
	if parts := strings.SplitN(language, ".", 3); len(parts) == 3 {
		language = parts[0] + "." + parts[1]
	}
	compile := []string{"-p", "main", "-lang=" + language, "-complete", "-dwarf=false", "-pack",
		"-importcfg", importcfg, "-o", object}
	run(filepath.Join(tools, "compile"), append(compile, files...))
	run(filepath.Join(tools, "link"), []string{"-w", "-importcfg", importcfg, "-o", output, object})
}

// program ends it where main.go is of another package: the tools would make a library of it, without a word.
func program() {
	file, err := parser.ParseFile(token.NewFileSet(), "main.go", nil, parser.PackageClauseOnly)
	if err == nil && file.Name.Name != "main" {
		os.Stderr.WriteString("main.go: package " + file.Name.Name + " is not package main, so there is nothing to run\n")
		os.Exit(1)
	}
}

// sources lists the program's own .go files, those for go test apart.
func sources() (files []string) {
	all, _ := filepath.Glob("*.go")
	for _, name := range all {
		if !strings.HasSuffix(name, "_test.go") {
			files = append(files, "./"+name)
		}
	}
	return files
}

// plain says whether the compiler alone does what the go command would do: no module, nothing in the names or the comments that
// the go command reads, no imports but the standard library's.
func plain(files []string) bool {
	if _, err := os.Stat("go.mod"); err == nil {
		return false
	}
	library := packages()
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil || strings.Contains(name, "_") || special(text) {
			return false
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			continue // the compiler says it better
		}
		if file.Name.Name != "main" {
			return false
		}
		for _, one := range file.Imports {
			path, err := strconv.Unquote(one.Path.Value)
			if err != nil || !library[path] {
				return false
			}
		}
	}
	return true
}

// special finds //go:build, //go:embed, //go:debug, //go:linkname and the like.
func special(text []byte) bool {
	return bytes.Contains(text, []byte("//go:")) || bytes.Contains(text, []byte("// +build"))
}

// packages reads which packages programs may import: those inside the library and its vendored ones are not among them.
func packages() map[string]bool {
	library := map[string]bool{"unsafe": true}
	file, err := os.Open(importcfg)
	if err != nil {
		return library
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := strings.TrimPrefix(lines.Text(), "packagefile ")
		name, _, _ := strings.Cut(line, "=")
		if !strings.Contains("/"+name+"/", "/internal/") && !strings.HasPrefix(name, "vendor/") {
			library[name] = true
		}
	}
	return library
}

// fresh says that the cache was trimmed just now (Trim in cmd/go/internal/cache), because it lies in the image, read-only.
func fresh() {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	if err := os.MkdirAll(filepath.Dir(trimmed), 0o755); err != nil {
		fail(err)
	}
	if err := os.WriteFile(trimmed, []byte(now), 0o644); err != nil {
		fail(err)
	}
}

// build becomes the go command.
func build(files []string) {
	fresh()
	command := []string{"go", "build", "-o", output}
	if _, err := os.Stat("go.mod"); err == nil {
		command = append(command, ".")
	} else {
		command = append(command, files...)
	}
	fail(syscall.Exec("/usr/bin/go", command, os.Environ()))
}

// run starts a tool and waits; when it fails, so do we. The compiler reports on its standard output.
func run(path string, arguments []string) {
	command := exec.Command(path, arguments...)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	err := command.Run()
	if _, ended := err.(*exec.ExitError); ended {
		os.Exit(1) // as the go command does
	} else if err != nil {
		fail(err)
	}
}

func fail(err error) {
	os.Stderr.WriteString("codecell-go: " + err.Error() + "\n")
	os.Exit(1)
}
