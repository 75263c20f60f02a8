// Package fetch gets URLs, however badly network, servers and this process
// behave: each URL that goes in comes out exactly once, with an outcome and a
// reason.
//
// It promises:
//
//   - One outcome a URL, after at most the retries that the policy allows, and
//     every attempt and decision in the log, before anybody is told of it.
//   - A 2xx is a success only when its last body byte has come. A body that is
//     kept is complete and durable before the record that tells of it.
//   - What is counted as sent is what was written: repeats below us, by
//     net/http, are counted and bounded.
//   - A URL that waits holds no connection, no slot and no goroutine. An origin
//     that fails gets less load, not more.
//   - Killed at any instant and resumed, it loses no URL, fetches no completed
//     one again, and writes one final record for each.
//   - Memory depends on the settings, never on the length of the list, the size
//     of a body or the number of URLs that wait.
//
// It does not promise that a server sees a URL once: a request whose answer was
// lost is sent again, if its method allows it.
//
// What to do after an attempt is decided in fetch/retry, who may start when in
// fetch/pace, both without a clock or a socket. This package performs: it dials,
// sends, reads, classifies errors, writes the log. Start with [New] and
// [Client.Fetch]; [Client.Do] gives the details, [Client.FetchAll] takes a list.
package fetch
