package org.radialog.cli;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.dialog.RaDialog;
import org.radialog.imaging.Guard;
import org.radialog.imaging.Radiograph;
import org.radialog.wire.ErrorJson;
import org.radialog.wire.GuardJson;
import org.radialog.wire.ImageJson;
import org.radialog.wire.ModelJson;
import org.radialog.wire.RefusedJson;

/** A command on a loaded model: its clock, and what several verbs print. */
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

  /** What a program gets of an image on which nothing was written. */
  RefusedJson refused(
      Path path,
      @Nullable Radiograph film,
      RadialogException failure,
      List<Guard.Warning> warnings) {
    return RefusedJson.of(
        ImageJson.of(path, film),
        ModelJson.of(radialog),
        ErrorJson.of(failure, Failure.message(failure)),
        GuardJson.of(false, warnings));
  }

  /** The line above what is printed of a film. */
  static String heading(Path path, Radiograph film) {
    return Printable.escaped(path.toString()) + "  " + Terminal.size(film.width(), film.height());
  }

  private static long nowMicros() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000L + now.getNano() / 1000;
  }
}
