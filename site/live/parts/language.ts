// uPlot asks Intl for the browser's language while it is imported, and a browser may have none that Intl knows:
// WebKitGTK under LANG=C says "C", which throws. Then it is English, as the page is.

try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en", configurable: true });
}
