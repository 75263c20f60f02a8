package match

import "math"

// network is a flow network with integer costs, solved by successive shortest
// paths. Arcs come in pairs: arc i and its reverse i^1, whose capacity is the
// flow on i.
type network struct {
	arcs []arc
	out  [][]int32 // arcs that leave each node
	dist []int64
	via  []int32 // last arc of the shortest path
	busy []bool
	list []int32
}

type arc struct {
	to   int32
	cap  int32
	cost int64
}

// unreached is the distance of a node that no path leads to.
const unreached = math.MaxInt64 / 4

func newNetwork(nodes int) *network {
	return &network{
		out: make([][]int32, nodes), dist: make([]int64, nodes),
		via: make([]int32, nodes), busy: make([]bool, nodes),
	}
}

// add makes an arc and returns its number.
func (n *network) add(from, to int, capacity int32, cost int64) int32 {
	i := int32(len(n.arcs))
	n.arcs = append(n.arcs, arc{int32(to), capacity, cost}, arc{int32(from), 0, -cost})
	n.out[from] = append(n.out[from], i)
	n.out[to] = append(n.out[to], i+1)
	return i
}

// send moves one unit from a node to another along the cheapest path, and
// reports whether there was one. Sent from source after source to one sink,
// units lie at the least total cost at every step.
func (n *network) send(from, to int) bool {
	n.shortest(from, -1, n.forward)
	if n.dist[to] >= unreached {
		return false
	}
	for v := int32(to); v != int32(from); {
		i := n.via[v]
		n.arcs[i].cap--
		n.arcs[i^1].cap++
		v = n.arcs[i^1].to
	}
	return true
}

// distancesTo is the least cost of moving a unit from each node to the given
// one, without passing through another.
func (n *network) distancesTo(to, avoiding int) []int64 {
	n.shortest(to, int32(avoiding), n.backward)
	return n.dist
}

// forward reads arc i as it is, backward reads it against its direction: which
// arc a path would use, at the node where it is.
func (n *network) forward(i int32) int32  { return i }
func (n *network) backward(i int32) int32 { return i ^ 1 }

// shortest finds the distances from (or to) a node by label correction: costs
// of residual arcs may be negative, but never around a cycle.
func (n *network) shortest(from int, avoiding int32, used func(int32) int32) {
	for v := range n.dist {
		n.dist[v] = unreached
	}
	n.dist[from] = 0
	n.list = append(n.list[:0], int32(from))
	for len(n.list) > 0 {
		queue := n.list
		n.list = nil
		for _, v := range queue {
			n.busy[v] = false
			n.relax(v, avoiding, used)
		}
	}
}

func (n *network) relax(v, avoiding int32, used func(int32) int32) {
	for _, i := range n.out[v] {
		a, w := n.arcs[used(i)], n.arcs[i].to
		if a.cap == 0 || w == avoiding || n.dist[v]+a.cost >= n.dist[w] {
			continue
		}
		n.dist[w], n.via[w] = n.dist[v]+a.cost, i
		if !n.busy[w] {
			n.busy[w] = true
			n.list = append(n.list, w)
		}
	}
}
