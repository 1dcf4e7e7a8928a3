// SPDX-License-Identifier: Apache-2.0

package doctest

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/zenlm/zen/internal/tree"
)

// ReadmeCommands returns the beginnings of the commands that README.md must show
// a newcomer.
func ReadmeCommands() []string { return []string{"go run ./examples/chat", "go test ./..."} }

// Commands reports commands in the shell and indented blocks of Markdown files that name a
// folder without a program or a target the Makefile lacks, and a README.md
// without ReadmeCommands.
func Commands(fsys fs.FS) ([]string, error) {
	files, err := tree.Files(fsys)
	if err != nil {
		return nil, err
	}
	all, err := allBlocks(fsys, files)
	if err != nil {
		return nil, err
	}
	targets, err := makeTargets(fsys)
	if err != nil {
		return nil, err
	}
	var findings []string
	missing := ReadmeCommands()
	for _, b := range all {
		if !slices.Contains([]string{"sh", "bash", "shell", "console", indented}, b.language) {
			continue
		}
		for line := range strings.Lines(b.text) {
			command := command(line)
			if finding := checkCommand(command, files, targets); finding != "" {
				findings = append(findings, b.at("%s", finding))
			}
			if b.file == "README.md" {
				missing = slices.DeleteFunc(missing, func(c string) bool { return strings.HasPrefix(command, c) })
			}
		}
	}
	for _, c := range missing {
		findings = append(findings, "README.md: no command "+c)
	}
	return findings, nil
}

var assignments = regexp.MustCompile(`^(\$ )?([A-Z_]+=\S* )*`)

// command returns a line without prompt, environment and surrounding space.
func command(line string) string {
	line = strings.TrimSpace(line)
	return line[len(assignments.FindString(line)):]
}

var (
	runs  = regexp.MustCompile(`^go run \./([^ ]+)`)
	tests = regexp.MustCompile(`^go (?:test|vet|build) (?:-\S+ )*\./([^ .][^ ]*)`)
	makes = regexp.MustCompile(`^make ([a-z][a-z-]*)`)
)

// checkCommand returns what is wrong with a command, if it is one of those whose
// operands can be looked up.
func checkCommand(command string, files, targets []string) string {
	if m := runs.FindStringSubmatch(command); m != nil && !slices.Contains(files, path.Join(m[1], "main.go")) {
		return command + ": " + m[1] + " has no main.go"
	}
	if m := tests.FindStringSubmatch(command); m != nil {
		dir := strings.TrimSuffix(m[1], "/...")
		if !slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(f, dir+"/") }) {
			return command + ": no folder " + dir
		}
	}
	if m := makes.FindStringSubmatch(command); m != nil && !slices.Contains(targets, m[1]) {
		return command + ": the Makefile has no target " + m[1]
	}
	return ""
}

var target = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)

func makeTargets(fsys fs.FS) (targets []string, err error) {
	text, err := fs.ReadFile(fsys, "Makefile")
	if err != nil {
		return nil, err
	}
	for _, m := range target.FindAllStringSubmatch(string(text), -1) {
		targets = append(targets, m[1])
	}
	return targets, nil
}
