"use strict";
(function () {
  var table = document.getElementById("all-checks");
  if (!table) return;
  var body = table.tBodies[0], rows = Array.from(body.rows), heads = Array.from(table.tHead.rows[0].cells);
  var box = document.getElementById("filter"), said = document.getElementById("shown");
  var fields = Array.from(box.querySelectorAll("input,select"));
  var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
  box.hidden = false;

  var ranks = {};
  fields.slice(1).forEach(function (field) {
    ranks[field.name] = Array.from(field.options).map(function (option) { return option.text; });
  });

  function key(row, index, counts) {
    var text = row.cells[index].textContent;
    if (ranks[index]) return ranks[index].indexOf(text);
    return counts ? Number(text.replace(/\D/g, "")) : text;
  }
  function sort(index, head) {
    var counts = head.className === "n", before = head.getAttribute("aria-sort");
    var down = before ? before === "ascending" : counts;
    var keys = new Map(rows.map(function (row) { return [row, key(row, index, counts)]; }));
    heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    rows.slice().sort(function (a, b) {
      var x = keys.get(a), y = keys.get(b), order = typeof x === "number" ? x - y : x.localeCompare(y);
      return down ? -order : order;
    }).forEach(function (row) { body.appendChild(row); });
  }
  heads.forEach(function (head, index) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", function () { sort(index, head); });
    head.textContent = "";
    head.appendChild(button);
  });
  function filter() {
    var shown = 0, words = fields[0].value.toLowerCase().trim();
    rows.forEach(function (row, index) {
      var fits = !words || texts[index].indexOf(words) >= 0;
      fields.slice(1).forEach(function (field) {
        var wanted = field.selectedIndex;
        if (wanted && row.cells[field.name].textContent !== field.options[wanted].text) fits = false;
      });
      row.hidden = !fits;
      if (fits) shown += 1;
    });
    said.textContent = said.getAttribute("data-text").replace("{shown}", shown).replace("{all}", rows.length);
  }
  fields.forEach(function (field) { field.addEventListener("input", filter); });
  filter();
})();
