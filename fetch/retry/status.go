package retry

// ClassifyStatus gives the class and kind of an answer whose body arrived
// whole and whose redirect, if it is one, is not followed.
func ClassifyStatus(status int) (Class, Kind) {
	switch {
	case status > 599:
		return ClassInvalidStatus, KindHigh
	case status >= 500:
		return ClassServerError, serverErrorKind(status)
	case status >= 400:
		return ClassClientError, clientErrorKind(status)
	case status >= 300:
		return ClassRedirect, KindNone
	case status >= 200:
		return ClassSuccess, KindNone
	}
	return ClassInvalidStatus, KindNone
}

// serverErrorKind tells the answers that say "never" from those that say "not now".
func serverErrorKind(status int) Kind {
	switch status {
	case 501, // the method is not implemented
		505, // nor this version of HTTP
		506, // content negotiation loops
		508, // a loop
		510, // an extension is demanded
		511: // a captive portal wants a login
		return KindPermanent
	}
	return KindNone
}

func clientErrorKind(status int) Kind {
	switch status {
	case 408:
		return KindRequestTimeout
	case 413:
		return KindPayload
	case 421:
		return KindMisdirected
	case 425:
		return KindTooEarly
	case 429:
		return KindRateLimited
	}
	return KindNone
}
