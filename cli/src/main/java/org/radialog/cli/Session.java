package org.radialog.cli;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Consistency;
import org.radialog.codecs.ImageRefused;
import org.radialog.dialog.Findings;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Reply;
import org.radialog.dialog.Report;
import org.radialog.dialog.Timings;
import org.radialog.dialog.Usage;
import org.radialog.imaging.Guard;
import org.radialog.imaging.Radiograph;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The clock of this process and the JSON objects that several verbs print. */
final class Session {
  private final long startedMicros;
  private final double loadMillis;
  private final RaDialog radialog;

  private Session(long startedMicros, double loadMillis, RaDialog radialog) {
    this.startedMicros = startedMicros;
    this.loadMillis = loadMillis;
    this.radialog = radialog;
  }

  /** Remembers how long it took from the launcher's first line until {@code radialog} was there. */
  static Session of(RaDialog radialog) {
    long started = Long.getLong("radialog.started", nowMicros());
    return new Session(started, (nowMicros() - started) / 1e3, radialog);
  }

  /** Milliseconds since the launcher's first line. */
  double sinceStart() {
    return (nowMicros() - startedMicros) / 1e3;
  }

  /** Milliseconds from the launcher's first line until the model folder was open. */
  double load() {
    return loadMillis;
  }

  ObjectNode model() {
    ObjectNode model = Json.object();
    model.put("id", radialog.config().id());
    model.put("version", radialog.config().version());
    model.put("precision", radialog.precision().name().toLowerCase(Locale.ROOT));
    model.put("kernels", radialog.precision().label());
    return model;
  }

  static ObjectNode image(Path path, @Nullable Radiograph film) {
    ObjectNode image = Json.object();
    image.put("path", path.toString());
    if (film != null) {
      image.put("sha256", film.sha256());
      image.put("width", film.width());
      image.put("height", film.height());
    }
    return image;
  }

  /** The line above what is printed of a film. */
  static String heading(Path path, Radiograph film) {
    return Printable.escaped(path.toString()) + "  " + Terminal.size(film.width(), film.height());
  }

  /** The line of an image on which nothing was written. */
  ObjectNode refused(
      Path path,
      @Nullable Radiograph film,
      RadialogException failure,
      List<Guard.Warning> warnings) {
    ObjectNode refused = Json.object();
    refused.set("image", image(path, film));
    refused.set("model", model());
    refused.set("error", error(failure));
    refused.set("guard", guard(false, warnings));
    refused.put("notice", Notice.RESEARCH_USE);
    return refused;
  }

  private static ObjectNode error(RadialogException failure) {
    ObjectNode error = Json.object();
    error.put("code", failure instanceof ImageRefused refused ? refused.code() : "failed");
    error.put("message", Notice.of(failure));
    return error;
  }

  static ObjectNode guard(boolean accepted, List<Guard.Warning> warnings) {
    ObjectNode guard = Json.object();
    guard.put("accepted", accepted);
    ArrayNode rows = guard.putArray("warnings");
    for (Guard.Warning warning : warnings) {
      rows.addObject().put("code", warning.code().code()).put("message", warning.message());
    }
    return guard;
  }

  static ArrayNode findings(Findings findings) {
    ArrayNode rows = Json.array();
    for (Findings.Assessment a : findings.all()) {
      ObjectNode row = rows.addObject();
      row.put("label", a.finding().label());
      row.put("state", a.state().label());
      a.probability().ifPresent(p -> row.put("probability", Json.rounded(p)));
      a.threshold().ifPresent(t -> row.put("threshold", Json.rounded(t)));
      a.uncertainAbove().ifPresent(t -> row.put("uncertain_above", Json.rounded(t)));
      row.put("edited", a.edited());
      row.put("implied", a.implied());
    }
    return rows;
  }

  static ObjectNode usage(Usage usage) {
    return Json.object()
        .put("prompt_tokens", usage.promptTokens())
        .put("cached_tokens", usage.cachedTokens())
        .put("completion_tokens", usage.completionTokens());
  }

  /**
   * Timings of one turn; first token and total count from {@code begun}, in {@link #sinceStart}.
   */
  ObjectNode timings(Timings t, double begun) {
    return Json.object()
        .put("load", Json.rounded(load()))
        .put("encode", Json.rounded(t.encode()))
        .put("prefill", Json.rounded(t.prefill()))
        .put("first_token", Json.rounded(begun + t.firstToken()))
        .put("decode", Json.rounded(t.decode()))
        .put("total", Json.rounded(begun + t.total()));
  }

  /** Timings of an image of which nothing but the findings was asked, in milliseconds. */
  ObjectNode timings(double encode, double total) {
    return Json.object()
        .put("load", Json.rounded(load()))
        .put("encode", Json.rounded(encode))
        .put("total", Json.rounded(total));
  }

  static ArrayNode conflicts(Report report, Optional<Reply> impression) {
    ArrayNode rows = Json.array();
    Notice.of(report).forEach(rows::add);
    impression.map(Notice::ofImpression).orElse(List.of()).forEach(rows::add);
    return rows;
  }

  /** One object for each thing that does not fit in a report or the impression of it. */
  static ArrayNode warnings(Report report, Optional<Reply> impression) {
    ArrayNode rows = warnings(Notice.warnings(report), report.text(), "report");
    impression.ifPresent(
        reply -> rows.addAll(warnings(reply.consistency().warnings(), reply.text(), "impression")));
    return rows;
  }

  /** One object for each thing that does not fit in an answer. */
  static ArrayNode warnings(Reply reply) {
    return warnings(reply.consistency().warnings(), reply.text(), "answer");
  }

  private static ArrayNode warnings(List<Consistency.Warning> all, String text, String where) {
    ArrayNode rows = Json.array();
    for (Consistency.Warning warning : all) {
      ObjectNode row = rows.addObject();
      row.put("code", warning.kind().code());
      warning.finding().ifPresent(finding -> row.put("label", finding.label()));
      row.put("in", where);
      row.put("message", Notice.words(warning.kind(), where));
      ArrayNode sentences = row.putArray("sentences");
      Notice.sentences(text, warning).forEach(sentences::add);
    }
    return rows;
  }

  private static long nowMicros() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000L + now.getNano() / 1000;
  }
}
