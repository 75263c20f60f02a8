package dedupe

import (
	"context"
	"iter"
)

func copyRows(ctx context.Context, c Config, decisions iter.Seq[Decision], failed *error) (Result, error) {
	c.Key, c.Keep, c.Analysis = nil, "", ""
	if failed == nil {
		failed = new(error)
	}
	r, err := c.open(ctx)
	if err != nil {
		return Result{}, c.blame(err)
	}
	defer r.close()
	err = r.scan(ctx, nil)
	if err == nil {
		err = r.write(ctx, decisions, failed)
	}
	if err == nil {
		err = r.finish(ctx)
	}
	if err != nil {
		return Result{}, r.settle(err)
	}
	return r.result, nil
}
