import { parse } from "csv-parse/sync";

/** Parses lines of a CSV file and adds up what each customer has paid; it runs in a thread. */
export function sumRows(text) {
  const sums = new Map();
  for (const [customer, amount] of parse(text))
    sums.set(customer, (sums.get(customer) ?? 0) + Number(amount));
  return sums;
}
