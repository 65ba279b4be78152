import { buffer } from "node:stream/consumers";
import PDFDocument from "pdfkit";

/** Writes an invoice; it runs in a thread. */
export async function invoice({ number, customer, items }) {
  const document = new PDFDocument({ size: "A4", info: { Title: `Invoice ${number}` } });
  document.fontSize(20).text(`Invoice ${number}`).moveDown();
  document.fontSize(12).text(customer).moveDown();
  let total = 0;
  for (const [name, price, amount] of items) {
    total += price * amount;
    document
      .text(`${amount} × ${name}`, { continued: true })
      .text((price * amount).toFixed(2), { align: "right" });
  }
  document.moveDown().text(total.toFixed(2), { align: "right", underline: true });
  document.end();
  return { number, total, bytes: await buffer(document) };
}
