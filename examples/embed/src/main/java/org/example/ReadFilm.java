package org.example;

import java.nio.file.Path;
import java.util.List;
import org.radialog.base.RadialogException;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Study;
import org.radialog.imaging.Radiograph;

/**
 * Talks about a film: {@code ReadFilm MODEL FILM REQUEST...}, where a request is the word {@code
 * report} or a question.
 */
public final class ReadFilm {
  private ReadFilm() {}

  public static void main(String[] arguments) {
    try (RaDialog radialog = RaDialog.load(Path.of(arguments[0]));
        Dialog dialog = radialog.open(Study.of(Radiograph.read(Path.of(arguments[1]))))) {
      System.out.println("precision: " + radialog.precision().label());
      for (String request : List.of(arguments).subList(2, arguments.length)) {
        System.out.print(request + ": ");
        if (request.equals("report")) {
          System.out.print(dialog.report().text());
        } else {
          dialog.ask(request, System.out::print);
        }
        System.out.println();
      }
    } catch (RadialogException e) {
      System.err.println(e.getMessage());
      System.exit(1);
    }
  }
}
