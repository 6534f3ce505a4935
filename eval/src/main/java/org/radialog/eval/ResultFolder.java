package org.radialog.eval;

import java.nio.file.Path;
import java.util.Set;
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;
import tools.jackson.databind.JsonNode;

/**
 * Writes an evaluation for programs and for people: {@code scores.json} with every score and
 * setting, {@code table.md}, {@code report.html}, which is a self-contained page, and {@code
 * plots/}. The output is reproducible byte for byte: it does not depend on the time, the machine or
 * the folder.
 */
public final class ResultFolder {
  /** The notice on every output. */
  private ResultFolder() {}

  /** The file format of a plot. */
  public enum PlotFormat {
    /** Vector graphics with real text; colours follow the reader's colour scheme. */
    SVG,
    /** A bitmap on white, two pixels per unit. */
    PNG
  }

  /**
   * Writes all files into {@code folder}, each atomically.
   *
   * @param formats formats of the plots
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
   * The content of {@code scores.json}. The scores of a single system are at the top level next to
   * the settings; those of several systems are under {@code systems}.
   */
  public static JsonNode json(Evaluation evaluation) {
    return ScoresJson.of(evaluation);
  }

  /** The content of {@code table.md}. */
  public static String markdown(Evaluation evaluation) {
    return new MarkdownTable(evaluation).text();
  }
}
