/* Says in words what the chosen crontab of a periodic task means. */
"use strict";
(function ($) {
  const readable = JSON.parse(document.getElementById("readable-crontabs").textContent);
  const help = $(".field-crontab .help");
  const words = $("<p>").appendTo(help);
  $(".field-crontab_translation").hide();
  $("#id_crontab").on("change", function () {
    words.text(readable[this.value] || "");
  });
})(django.jQuery);
