module holdfast/bench

go 1.26.0
