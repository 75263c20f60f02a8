package replay

// Survey reads what the events have in common off the whole population: how
// long attempts take, when workers fell silent or died, how far their clocks
// are apart, the lease, bursts of re-attempts, and which coincidences are more
// than chance. ByWorker is ranged over twice, the other streams once.
func Survey(s Streams, o Options) Population {
	p := Population{Options: o, ClaimWindow: millisecond}
	if p.ReplayGap == 0 {
		p.ReplayGap = secondNanos
	}
	if p.Mode == "" {
		p.Mode = ModeFull
	}
	closed := newSketch(exactValues)
	if s.ByWorker != nil {
		closed = surveyWorkers(&p, s.ByWorker)
	}
	if s.Cases != nil {
		surveyCases(&p, s, closed)
	}
	if s.ByStart != nil {
		surveyBursts(&p, s.ByStart)
	}
	return p
}

// surveyCases looks at the events one by one. It needs the claim window and
// the clocks, and finds the lease.
func surveyCases(p *Population, s Streams, closed *sketch) {
	gaps := sample{k: leaseSample}
	extras := rowSet{}
	var restamp restampSurvey
	var reread rereadSurvey
	var chance chanceCounts
	for c := range s.Cases {
		chance.add(&c)
		for i := 1; i < len(c.Attempts); i++ {
			r := p.relate(&c.Attempts[i-1], &c.Attempts[i])
			if r.overlap && r.gap > p.ClaimWindow {
				gaps.add(c.Event.ID, uint64(i), r.gap)
			}
		}
		extra, own := 0, c.canonical()
		for i := range c.Rows {
			m := &c.Rows[i]
			if i == own {
				continue
			}
			extras.add(m.Row.N)
			if extra++; extra < len(c.Attempts) {
				restamp.add(&c, m, &c.Attempts[extra])
				reread.add(&c, m, c.quoteOf(extra))
			}
		}
	}
	p.Lease = estimateLease(&gaps, closed, p.Options.Lease)
	p.Batches = extras.runs(batchRows, mostBatches)
	p.Restamp, p.Reread = restamp.result(), reread.result()
	if p.HaveWorkers() && p.HaveEvents() {
		p.Chance = chance.list()
	}
}
