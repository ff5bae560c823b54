// A button on each block of code: copies it; of a session at a prompt only the commands.
const copied = (block) => {
  const code = block.querySelector("pre").cloneNode(true);
  const session = code.querySelector(".gp") !== null;
  code.querySelectorAll(".gp, .go").forEach((part) => part.remove());
  const lines = code.textContent.split("\n").filter((line) => !session || line.trim());
  return lines.join("\n").trimEnd() + "\n";
};

document.addEventListener("DOMContentLoaded", () => {
  for (const block of document.querySelectorAll("div.highlight")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(copied(block));
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    block.append(button);
  }
  // With the keyboard, too.
  document.querySelectorAll(".table-wrapper").forEach((table) => (table.tabIndex = 0));
});
