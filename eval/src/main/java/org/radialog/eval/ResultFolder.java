package org.radialog.eval;

import java.nio.file.Path;
import java.util.Set;
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;
import tools.jackson.databind.JsonNode;

/**
 * Writes an evaluation for programs and for people: {@code scores.json} with every score and
 * setting, {@code table.md}, {@code report.html}, one page that loads nothing, and {@code plots/}.
 * The same evaluation gives the same bytes: nothing knows the time, the machine or the folder.
 */
public final class ResultFolder {
  /** Stands on every output. */
  public static final String NOTICE = "For research use, not for diagnosis.";

  private ResultFolder() {}

  /** What a plot is written as. */
  public enum PlotFormat {
    /** Text stays text; colours follow the reader's scheme. */
    SVG,
    /** Pixels, two for each unit, on white. */
    PNG
  }

  /**
   * Writes all files into {@code folder}, each whole or not at all.
   *
   * @param formats of the plots
   * @throws RadialogException if a file cannot be written
   */
  public static void write(Path folder, Evaluation evaluation, Set<PlotFormat> formats) {
    WholeFile.write(folder.resolve("scores.json"), json(evaluation).toPrettyString() + "\n");
    WholeFile.write(folder.resolve("table.md"), new MarkdownTable(evaluation).text());
    WholeFile.write(folder.resolve("report.html"), ResultPage.html(evaluation));
    Plots.of(evaluation)
        .forEach((name, drawing) -> {
          for (PlotFormat format : formats) {
            switch (format) {
              case SVG ->
                  WholeFile.write(folder.resolve("plots").resolve(name + ".svg"), drawing.svg());
              case PNG -> {
                byte[] png = drawing.png();
                WholeFile.write(
                    folder.resolve("plots").resolve(name + ".png"), out -> out.write(png));
              }
            }
          }
        });
  }

  /**
   * The content of {@code scores.json}. One system's scores stand at the top beside the settings,
   * those of several under {@code systems}.
   */
  public static JsonNode json(Evaluation evaluation) {
    return ScoresJson.of(evaluation);
  }

  /** The content of {@code table.md}. */
  public static String markdown(Evaluation evaluation) {
    return new MarkdownTable(evaluation).text();
  }
}
