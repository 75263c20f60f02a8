package merge

type owners struct{}

func (c *Core) startOwners() error                     { panic("soon") }
func (c *Core) acceptOwners(from int, m Message) error { panic("soon") }
func newBaseline(c Config) (Machine, error)            { panic("soon") }
