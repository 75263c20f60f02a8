package incident

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// process is a worker that runs: it is told lines, and tells lines.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan string // closed when it is gone
	words  bytes.Buffer
	status error // of its end; read it after lines is closed
}

// fewLines is room for all that a worker tells in one life.
const fewLines = 16

func startProcess(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, lines: make(chan string, fewLines)}
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil { // closed by the end of this process, however it comes
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = &p.words
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.lines <- lines.Text()
		}
		p.status = cmd.Wait()
	}()
	return p, nil
}

func (p *process) say(line string) error {
	_, err := io.WriteString(p.in, line+"\n")
	if err != nil {
		p.kill()
		return errors.Join(err, p.err())
	}
	return nil
}

// kill is kill -9. It returns when the process is gone, and may be called again.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	for range p.lines { // what it still said
	}
}

// err is how the process ended, with its last words.
func (p *process) err() error {
	if p.status == nil {
		return nil
	}
	words := strings.TrimSpace(p.words.String())
	return fmt.Errorf("%w: %s", p.status, words[strings.LastIndexByte(words, '\n')+1:])
}
