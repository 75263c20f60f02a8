package flakyhttp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// authority is a CA made for one run, and the certificates that it signed.
type authority struct {
	cert                     *x509.Certificate
	pem                      []byte
	good, expired, wrongName *tls.Certificate
}

// newAuthority makes a CA, with certificates for host and loopback.
func newAuthority(host string, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	root := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Holdfast lab CA"},
		NotBefore:             now.Add(-48 * time.Hour), // the expired one must lie within
		NotAfter:              now.Add(365 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	a := &authority{pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}

	names, addrs := []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	if ip := net.ParseIP(host); ip != nil {
		addrs = append(addrs, ip)
	} else if host != "" {
		names = append(names, host)
	}
	for i, c := range []struct {
		to    **tls.Certificate
		names []string
		addrs []net.IP
		until time.Time
	}{
		{&a.good, names, addrs, root.NotAfter},
		{&a.expired, names, addrs, now.Add(-24 * time.Hour)},
		{&a.wrongName, []string{"elsewhere.invalid"}, nil, root.NotAfter},
	} {
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i) + 2),
			Subject:      pkix.Name{CommonName: "Holdfast lab"},
			NotBefore:    root.NotBefore,
			NotAfter:     c.until,
			KeyUsage:     x509.KeyUsageDigitalSignature,
			ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			DNSNames:     c.names,
			IPAddresses:  c.addrs,
		}
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, &own.PublicKey, key)
		if err != nil {
			return nil, err
		}
		*c.to = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: own}
	}
	return a, nil
}
