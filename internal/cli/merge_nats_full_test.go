package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A fullJob is a job of two workers that runs into a wall.
type fullJob struct {
	*testing.T
	engine  *engineProcess
	dir     string
	outputs [2]string
	want    string
}

func newFullJob(t *testing.T, e *engineProcess) *fullJob {
	j := &fullJob{T: t, engine: e, dir: t.TempDir()}
	rng := rand.New(rand.NewPCG(7, 6))
	seen, all := map[int32]bool{}, []int32{}
	for i := range j.outputs {
		var text strings.Builder
		for range 20_000 {
			if v := int32(rng.Uint32()); !seen[v] {
				seen[v], all = true, append(all, v)
				fmt.Fprintln(&text, v)
			}
		}
		if err := os.WriteFile(j.path("data", i), []byte(text.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		j.outputs[i] = j.path("part", i)
	}
	slices.Sort(all)
	var sorted strings.Builder
	for _, v := range all {
		fmt.Fprintln(&sorted, v)
	}
	j.want = sorted.String()
	return j
}

func (j *fullJob) path(name string, i int) string { return filepath.Join(j.dir, fmt.Sprint(name, i)) }

func (j *fullJob) worker(i int) (words string, status int) {
	_, words, status = holdfast(j.T, "merge", "worker", "--quiet", "--nats", j.engine.url, "--job", "j", "--id", fmt.Sprint(i), "--data", j.path("data", i),
		"--output", j.outputs[i], "--words", "4096", "--engine-timeout", "2s")
	return words, status
}

// run runs both workers, and gives what they said and their statuses.
func (j *fullJob) run() (words [2]string, status [2]int) {
	var both sync.WaitGroup
	for i := range j.outputs {
		both.Go(func() { words[i], status[i] = j.worker(i) })
	}
	both.Wait()
	return words, status
}

// ends runs both again, and joins their parts.
func (j *fullJob) ends() {
	j.Helper()
	if words, status := j.run(); status != [2]int{} {
		j.Fatalf("with room: status %v: %q", status, words)
	}
	out, words, status := holdfast(j.T, "merge", "join", "--nats", j.engine.url, "--job", "j", "-o", "-", "--quiet")
	if status != ExitOK || out != j.want {
		j.Errorf("status %d, %d bytes, want %d: %s", status, len(out), len(j.want), words)
	}
}

// Wherever room runs out, workers of a job end with status 4 and one line, and the
// same commands complete the job when there is some again.
func TestMergeNATSFull(t *testing.T) {
	t.Parallel()
	t.Run("limit of the engine", func(t *testing.T) {
		t.Parallel()
		j := newFullJob(t, newEngineProcess(t, "--no-sync", "--max-store", "32KiB"))
		words, status := j.run()
		for i := range words {
			oneLineFault(t, words[i], status[i], `(stream MERGE_j|bucket merge_j): the engine has no room left \(.*\): free some space or raise the limits; nothing that was acknowledged is lost; then run the same command again: it goes on$`)
		}
		j.engine.kill()
		j.engine.args = append(j.engine.args, "--max-store", "64MiB")
		j.engine.start()
		j.ends()
	})
	t.Run("disk of the engine", func(t *testing.T) {
		t.Parallel()
		disk := smallDisk(t, "600k")
		j := newFullJob(t, newEngineProcess(t, "--no-sync", "--dir", filepath.Join(disk, "store"), "--max-store", "64MiB"))
		ballast := filepath.Join(disk, "ballast")
		if err := os.WriteFile(ballast, make([]byte, 520<<10), 0o666); err != nil {
			t.Fatal(err)
		}
		words, status := j.run()
		for i := range words {
			oneLineFault(t, words[i], status[i], `(no server answers .*: see that it runs, then|the engine has no room left .*; then) run the same command again: it goes on`)
		}
		_ = j.engine.c.Wait()
		oneLineFault(t, j.engine.said.String(), j.engine.c.ProcessState.ExitCode(), `no room left \(.*no space left on device\): free some space and start the server again; nothing that was acknowledged is lost`)
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		remount(t, disk, "size=16m")
		j.engine.start()
		j.ends()
	})
	t.Run("disk of a worker", func(t *testing.T) {
		t.Parallel()
		disk := smallDisk(t, "100k")
		j := newFullJob(t, newEngineProcess(t, "--no-sync"))
		j.outputs[0] = filepath.Join(disk, "part")
		var other sync.WaitGroup
		other.Go(func() { // it waits for the one that fails
			if words, status := j.worker(1); status != ExitOK {
				t.Errorf("the other worker: status %d: %s", status, words)
			}
		})
		for range 2 {
			words, status := j.worker(0)
			oneLineFault(t, words, status, `write .*/part\S*: no space left on device: free some space and run the same command again: it goes on$`)
			if left, err := os.ReadDir(disk); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		}
		remount(t, disk, "size=300k")
		if words, status := j.worker(0); status != ExitOK {
			t.Errorf("with room: status %d: %s", status, words)
		}
		other.Wait()
		_, said, status := holdfast(t, "merge", "join", "--nats", j.engine.url, "--job", "j", "-o", filepath.Join(disk, "joined"), "--quiet")
		oneLineFault(t, said, status, `write .*joined: no space left on device: free some space and run the same command again`)
		remount(t, disk, "size=16m")
		j.ends()
	})
}
