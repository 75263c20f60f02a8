// usage: node polars.cjs VARIANT IN OUT
const { createRequire } = require("node:module");
const pl = createRequire(process.env.PEERS + "/")("nodejs-polars");
const [variant, input, output] = process.argv.slice(2);
const key = ["symbol", "timestamp"];
const text = { schema: { symbol: pl.Utf8, timestamp: pl.Utf8, price: pl.Utf8 } };
const num = { schema: { symbol: pl.Utf8, timestamp: pl.Utf8, price: pl.Float64 } };
const jobs = {
  "last-eager": () => pl.readCSV(input, num).unique({ subset: key, keep: "last", maintainOrder: false }).writeCSV(output),
  "last-eager-text": () => pl.readCSV(input, text).unique({ subset: key, keep: "last", maintainOrder: false }).writeCSV(output),
  "last-eager-ordered": () => pl.readCSV(input, text).unique({ subset: key, keep: "last", maintainOrder: true }).writeCSV(output),
  "last-lazy": () => pl.scanCSV(input).unique({ subset: key, keep: "last", maintainOrder: false }).collectSync().writeCSV(output),
  "last-sink": () => pl.scanCSV(input).unique({ subset: key, keep: "last", maintainOrder: false }).sinkCSV(output),
  "count-eager": () => pl.readCSV(input, num).groupBy(key).agg(pl.count("price").alias("occurrences"), pl.col("price").max().minus(pl.col("price").min()).alias("price_shift")).filter(pl.col("occurrences").gt(1)).writeCSV(output),
  "count-lazy": () => pl.scanCSV(input).groupBy(key).agg(pl.count("price").alias("occurrences"), pl.col("price").max().minus(pl.col("price").min()).alias("price_shift")).filter(pl.col("occurrences").gt(1)).collectSync().writeCSV(output),
};
jobs[variant]();
