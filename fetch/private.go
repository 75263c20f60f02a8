package fetch

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"syscall"
)

// A BlockedError says that an address may not be dialled (--deny-private).
type BlockedError struct {
	Addr netip.Addr
	Why  string
}

func (e *BlockedError) Error() string {
	return fmt.Sprintf("the address %s is %s: not allowed", e.Addr, e.Why)
}

// denyPrivate is a net.Dialer.Control: it judges the address that is really
// dialled, so a name that resolves to something else a second time gains nothing.
func denyPrivate(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	if why := PrivateAddr(ap.Addr()); why != "" {
		return &BlockedError{ap.Addr(), why}
	}
	return nil
}

// specialBlocks are what the public internet does not route, by the IANA
// special-purpose registries (RFC 6890 and its updates).
var specialBlocks = []struct {
	prefix netip.Prefix
	why    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "carrier-grade NAT"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved for protocols"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmark"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved (class E)"},
	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("100::/64"), "discard-only"},
	{netip.MustParsePrefix("2001:2::/48"), "benchmark"},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation"},
	{netip.MustParsePrefix("3fff::/20"), "documentation"},
	{netip.MustParsePrefix("5f00::/16"), "segment routing"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "local NAT64"},
	{netip.MustParsePrefix("fc00::/7"), "unique local"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fec0::/10"), "site-local"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32")
	compatible = netip.MustParsePrefix("::/96")
)

// PrivateAddr says why an address is not a public one, or "" if it is. An IPv6
// address that carries an IPv4 one is judged by both.
func PrivateAddr(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	for _, b := range specialBlocks {
		if b.prefix.Contains(a) {
			return b.why
		}
	}
	if !a.Is6() {
		return ""
	}
	b := a.As16()
	for _, e := range []struct {
		in   netip.Prefix
		v4   [4]byte
		name string
	}{
		{nat64, [4]byte(b[12:]), "NAT64"},
		{compatible, [4]byte(b[12:]), "IPv4-compatible"},
		{sixToFour, [4]byte(b[2:6]), "6to4"},
		{teredo, [4]byte(b[4:8]), "Teredo server"},
		{teredo, inverted(b[12:]), "Teredo client"},
	} {
		if !e.in.Contains(a) {
			continue
		}
		if why := PrivateAddr(netip.AddrFrom4(e.v4)); why != "" {
			return fmt.Sprintf("%s to a %s address", e.name, why)
		}
	}
	return ""
}

// inverted undoes how Teredo hides a client's address from translators (RFC 4380).
func inverted(b []byte) (v4 [4]byte) {
	binary.BigEndian.PutUint32(v4[:], ^binary.BigEndian.Uint32(b))
	return v4
}
