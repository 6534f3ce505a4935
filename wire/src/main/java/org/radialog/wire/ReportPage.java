package org.radialog.wire;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.radialog.base.PageTemplate;
import org.radialog.base.Printable;
import org.radialog.base.WholeFile;
import org.radialog.clinical.Finding;
import org.radialog.dialog.Findings;
import org.radialog.dialog.Reply;
import org.radialog.dialog.Report;
import org.radialog.imaging.FilmImage;
import org.radialog.imaging.Radiograph;
import org.radialog.published.ModelConfig;

/** A self-contained HTML page with films, overlays, findings and reports. */
public final class ReportPage {
  private ReportPage() {}

  /**
   * An image of the film.
   *
   * @param caption what it shows: the film, or a finding
   * @param picture the film, with a heat map if it shows a finding
   */
  public record Overlay(String caption, FilmImage picture) {}

  /**
   * One image of the page, with its error or its report.
   *
   * @param image the file
   * @param error why there is no report; empty if there is one
   * @param film the film; empty if it was not read
   * @param warnings what the guard says of the film
   * @param report the report; empty if there is an error
   * @param impression the impression; empty if none was asked for
   * @param overlays images to choose from, the film itself first
   */
  public record Entry(
      Path image,
      Optional<String> error,
      Optional<Radiograph> film,
      List<String> warnings,
      Optional<Report> report,
      Optional<Reply> impression,
      List<Overlay> overlays) {
    /** An image without a report. */
    public static Entry failed(Path image, String error) {
      return new Entry(
          image,
          Optional.of(error),
          Optional.empty(),
          List.of(),
          Optional.empty(),
          Optional.empty(),
          List.of());
    }
  }

  /** Writes the page atomically to {@code file}. */
  public static void write(Path file, ModelConfig model, List<Entry> entries) {
    List<Map<String, Object>> images = new ArrayList<>();
    List<Map<String, Object>> films = new ArrayList<>();
    for (int i = 0; i < entries.size(); i++) {
      images.add(image(entries.get(i), "film" + i, films));
    }
    Map<String, Object> page =
        Map.of(
            "title",
            "Chest radiograph report",
            "model",
            model.id() + " " + model.version(),
            "notice",
            Notice.RESEARCH_USE,
            "limits",
            model.limitsLine(),
            "films",
            films,
            "images",
            images);
    WholeFile.write(file, PageTemplate.filled(ReportPage.class, "report.html", page));
  }

  private static Map<String, Object> image(
      Entry entry, String group, List<Map<String, Object>> films) {
    Map<String, Object> image = new LinkedHashMap<>();
    image.put("name", Printable.escaped(String.valueOf(entry.image().getFileName())));
    image.put("error", entry.error().orElse(""));
    image.put("group", group);
    image.put("warnings", entry.warnings());
    entry
        .film()
        .ifPresent(film -> {
          image.put("size", film.width() + "×" + film.height());
          image.put("sha256", film.sha256());
        });
    List<Map<String, Object>> overlays = new ArrayList<>();
    for (int i = 0; i < entry.overlays().size(); i++) {
      Overlay overlay = entry.overlays().get(i);
      String id = group + "-" + i;
      films.add(Map.of("film", id));
      overlays.add(
          Map.of(
              "id",
              id,
              "group",
              group,
              "first",
              i == 0,
              "caption",
              overlay.caption(),
              "alt",
              i == 0 ? "The film" : "Where " + overlay.caption() + " comes from",
              "png",
              Base64.getEncoder().encodeToString(overlay.picture().png())));
    }
    image.put("overlays", overlays);
    entry
        .report()
        .ifPresent(report -> {
          image.put("report", report.text());
          image.put("conflicts", Notice.of(report));
          image.put(
              "guided",
              Stream.concat(
                      Stream.of(report.guidance()),
                      entry.impression().map(Reply::guidance).stream())
                  .flatMap(guidance -> Notice.of(guidance).stream())
                  .toList());
          image.put("findings", findings(report.findings()));
          image.put("open", knowsUncertain(report.findings()));
        });
    image.put("impression", entry.impression().map(Reply::text).orElse(""));
    return image;
  }

  private static List<Map<String, Object>> findings(Findings findings) {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (Findings.Assessment a : findings.ordered()) {
      rows.add(
          Map.of(
              "label", a.finding().label(),
              "lower",
                  a.uncertainAbove().isPresent() ? percent(a.uncertainAbove().getAsDouble()) : "",
              "tone", tone(a),
              "words",
                  a.state().label().replace('_', ' ')
                      + (a.edited() ? " (edited)" : a.implied() ? " (implied)" : ""),
              "assessed", a.probability().isPresent(),
              "percent", percent(a.probability().orElse(0)),
              "threshold", percent(a.threshold().orElse(0)),
              "probability",
                  a.probability().isPresent()
                      ? String.format(Locale.ROOT, "%.2f", a.probability().getAsDouble())
                      : ""));
    }
    return rows;
  }

  private static boolean knowsUncertain(Findings findings) {
    return findings.all().stream()
        .anyMatch(a -> a.uncertainAbove().isPresent() || a.state() == Findings.State.UNCERTAIN);
  }

  // Present findings are bold, uncertain ones in italics; red marks abnormal findings, not No
  // Finding.
  private static String tone(Findings.Assessment a) {
    return switch (a.state()) {
      case PRESENT -> a.finding() == Finding.NO_FINDING ? "called" : "called alarm";
      case UNCERTAIN -> "open";
      case ABSENT, NOT_ASSESSED -> "";
    };
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f", 100 * share);
  }
}
