// usage: node polars.cjs FORMULATION IN OUT
const pl = require("nodejs-polars");

const [formulation, input, output] = process.argv.slice(2);
const key = ["symbol", "timestamp"];
const schema = (price) => ({ schema: { symbol: pl.Utf8, timestamp: pl.Utf8, price } });
const last = (maintainOrder) => ({ subset: key, keep: "last", maintainOrder });
const shift = [
  pl.count("price").alias("occurrences"),
  pl.col("price").max().minus(pl.col("price").min()).alias("price_shift"),
];
const counted = (frame) => frame.groupBy(key).agg(...shift).filter(pl.col("occurrences").gt(1));

const formulations = {
  version: () => console.log(`Polars ${pl.version} (nodejs-polars)`),
  "last-eager-text": () => pl.readCSV(input, schema(pl.Utf8)).unique(last(false)).writeCSV(output),
  "last-eager-number": () => pl.readCSV(input, schema(pl.Float64)).unique(last(false)).writeCSV(output),
  "last-eager-ordered": () => pl.readCSV(input, schema(pl.Utf8)).unique(last(true)).writeCSV(output),
  "last-lazy": () => pl.scanCSV(input).unique(last(false)).collectSync().writeCSV(output),
  "count-eager": () => counted(pl.readCSV(input, schema(pl.Float64))).writeCSV(output),
  "count-lazy": () => counted(pl.scanCSV(input)).collectSync().writeCSV(output),
};
formulations[formulation]();
