package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const throughputConcurrency = 64

// throughput measures whole programs: requests a second.
func throughput(c *config, url string, r *report) error {
	list := filepath.Join(c.dir, "list")
	if err := os.WriteFile(list, []byte(strings.Repeat(url+"\n", c.requests)), 0o666); err != nil {
		return err
	}
	curl := filepath.Join(c.dir, "curl.config")
	if err := os.WriteFile(curl, []byte(strings.Repeat("url = \""+url+"\"\noutput = /dev/null\n", c.requests)), 0o666); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	rates, work := map[string][]float64{}, map[string][]float64{}
	for range c.rounds {
		for _, p := range []struct {
			name string
			run  func() (rate, work float64, err error)
		}{
			{"holdfast fetch", func() (float64, float64, error) {
				return c.timed(c.binary, "fetch", "-i", list, "--log", filepath.Join(c.dir, "log"), "--summary", "", "--quiet",
					"--concurrency", fmt.Sprint(throughputConcurrency), "--per-host", fmt.Sprint(throughputConcurrency))
			}},
			{"vegeta", func() (float64, float64, error) {
				return c.timed(self, "vegeta", url, fmt.Sprint(c.requests), fmt.Sprint(throughputConcurrency))
			}},
			{"curl --parallel", func() (float64, float64, error) {
				return c.timed("curl", "-s", "--parallel", "--parallel-max", fmt.Sprint(throughputConcurrency), "-K", curl)
			}},
			{"wrk (the server's ceiling)", func() (float64, float64, error) { rate, err := wrk(url); return rate, 0, err }},
		} {
			program, _, _ := strings.Cut(p.name, " ")
			if _, err := exec.LookPath(program); err != nil && (program == "curl" || program == "wrk") {
				continue // the report says so
			}
			rate, cpu, err := p.run()
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			rates[p.name] = append(rates[p.name], rate)
			if cpu > 0 {
				work[p.name] = append(work[p.name], cpu)
			}
		}
	}
	r.throughput(rates, work)
	return nil
}

// timed runs a program that makes c.requests requests, and gives how many a
// second, and how many microseconds of processor each took it.
func (c *config) timed(name string, args ...string) (rate, work float64, err error) {
	os.Remove(filepath.Join(c.dir, "log"))
	cmd := exec.Command(name, args...)
	start := time.Now()
	err = cmd.Run()
	rate = float64(c.requests) / time.Since(start).Seconds()
	if s := cmd.ProcessState; s != nil {
		work = (s.UserTime() + s.SystemTime()).Seconds() * 1e6 / float64(c.requests)
	}
	return rate, work, err
}

var wrkRate = regexp.MustCompile(`Requests/sec:\s*([0-9.]+)`)

func wrk(url string) (float64, error) {
	out, err := exec.Command("wrk", "-t1", fmt.Sprintf("-c%d", throughputConcurrency), "-d2s", url).Output()
	if err != nil {
		return 0, err
	}
	m := wrkRate.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("no rate in %q", out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}
