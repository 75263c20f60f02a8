package fetch

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"holdfast/fetch/retry"
)

// RoundTripper sends requests with the client's policy where an
// http.RoundTripper is wanted. Redirects are left to the http.Client above it.
// A body up to MaxBuffer is read before the answer is given, and a failure
// while reading it is retried like any other; a longer one is retried up to its
// header only, and the rest of it comes as it comes. An answer that no retry
// made better is an answer, not an error.
func (c *Client) RoundTripper() http.RoundTripper { return roundTripper{c} }

type roundTripper struct{ c *Client }

func (t roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	r := Request{URL: req.URL.String(), Method: req.Method, Header: req.Header}
	if req.Host != "" && req.Host != req.URL.Host {
		r.Header = req.Header.Clone()
		r.Header.Set("Host", req.Host)
	}
	if req.Body != nil && req.Body != http.NoBody {
		r.Body, r.Unreplayable = bodyOf(req)
	}
	var final *running
	j, err := t.c.do(req.Context(), r, func(j *job) {
		j.wantResponse = true
		j.keep = func(r *running) { final = r }
	})
	if err != nil {
		return nil, err
	}
	if final == nil || final.resp == nil {
		return nil, &Error{j.outcome}
	}
	final.resp.Request = req
	return final.resp, nil
}

// bodyOf sends the body of a request as often as it can be had.
func bodyOf(req *http.Request) (BodySource, bool) {
	if req.GetBody != nil {
		req.Body.Close()
		return func() (io.ReadCloser, int64, error) {
			b, err := req.GetBody()
			return b, req.ContentLength, err
		}, false
	}
	return func() (io.ReadCloser, int64, error) { return req.Body, req.ContentLength, nil }, true
}

// handOver reads the beginning of an answer for RoundTripper. What came whole is
// judged by its status; what broke off is a failure.
func (r *running) handOver(resp *http.Response) {
	head, err := io.ReadAll(io.LimitReader(resp.Body, r.c.config.MaxBuffer+1))
	r.WireBytes, r.Bytes = int64(len(head)), int64(len(head))
	if err != nil {
		resp.Body.Close()
		if r.Class == retry.ClassSuccess {
			r.failed(err)
		} else {
			r.err, r.Error = err, r.c.redactErr(r.job.raw, err)
		}
		return
	}
	rest := resp.Body
	if int64(len(head)) <= r.c.config.MaxBuffer {
		rest.Close()
		resp.Body = io.NopCloser(bytes.NewReader(head))
		r.hop.Load().cancel(nil)
	} else {
		resp.Body = &handedOver{io.MultiReader(bytes.NewReader(head), rest), rest, r.hop.Load()}
	}
	r.resp = resp
}

// A handedOver body is read by somebody else, for as long as it takes.
type handedOver struct {
	io.Reader
	body io.Closer
	hop  *hop
}

func (h *handedOver) Close() error {
	err := h.body.Close()
	h.hop.cancel(errors.New("closed"))
	return err
}
