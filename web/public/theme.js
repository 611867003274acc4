// Before the first paint, and a file of its own: the page's policy allows no inline script.
try {
  const theme = localStorage.getItem("roadstead-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system's choice holds.
}
