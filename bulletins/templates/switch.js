(function () {
  var choices = Array.prototype.slice.call(document.querySelectorAll("input.choice"));
  function show(choice, remember) {
    document.documentElement.lang = choice.value;
    document.title = choice.dataset.heading;
    if (remember) { try { history.replaceState(null, "", "#" + choice.value); } catch (error) { /* a file opened from a mail */ } }
  }
  choices.forEach(function (choice) {
    if (location.hash === "#" + choice.value) { choice.checked = true; }
    choice.addEventListener("change", function () { show(choice, true); });
    if (choice.checked) { show(choice, false); }
  });
})();
