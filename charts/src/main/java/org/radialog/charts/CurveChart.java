package org.radialog.charts;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.radialog.base.ResearchUse;
import org.radialog.charts.Drawing.Anchor;
import org.radialog.charts.Drawing.Ink;
import org.radialog.charts.Drawing.Line;
import org.radialog.charts.Drawing.Mark;
import org.radialog.charts.Drawing.Text;
import org.radialog.charts.Drawing.Trace;

/**
 * Curves over a common horizontal axis, in vertically stacked panels, each with a vertical axis and
 * a legend.
 *
 * @param title shown above the chart
 * @param horizontal name of the horizontal axis
 * @param panels from top to bottom
 */
public record CurveChart(String title, String horizontal, List<Panel> panels) {
  private static final double WIDTH = 880;
  private static final double LEFT = 62; // space for the numbers of the vertical axis
  private static final double TOP = 34;
  private static final double LEGEND = 24;
  private static final double LETTER = 7.2; // average width of a letter in text of size 13
  private static final double HEIGHT = 210; // height of the plot area of a panel
  private static final double BELOW =
      52; // space for the numbers and the name of the horizontal axis, and a gap
  private static final int MARKS =
      40; // maximum number of marks per curve, so that they do not touch

  /**
   * Curves with a common vertical axis.
   *
   * @param vertical name of the vertical axis
   * @param curves in the order of the legend
   */
  public record Panel(String vertical, List<Curve> curves) {
    public Panel {
      curves = List.copyOf(curves);
    }
  }

  /**
   * A curve. If it has no points, only its name appears in the legend.
   *
   * @param name shown in the legend
   * @param points in ascending order of x
   */
  public record Curve(String name, List<Point> points) {
    public Curve {
      points = List.copyOf(points);
    }
  }

  /**
   * A point of a curve, in units of the axes; both values are finite.
   *
   * @param x value on the horizontal axis
   * @param y value on the vertical axis
   */
  public record Point(double x, double y) {}

  /**
   * The round tick values that cover a range: {@code first}, {@code first + step}, … {@code last}.
   */
  private record Ticks(double first, double step, int count) {
    static Ticks over(double low, double high, boolean whole) {
      double span = high > low ? high - low : Math.max(1, Math.abs(high));
      double rough = span / 5;
      double power = Math.pow(10, Math.floor(Math.log10(rough)));
      double step = 10 * power;
      for (double factor : new double[] {1, 2, 5}) {
        if (factor * power >= rough) {
          step = factor * power;
          break;
        }
      }
      if (whole) {
        step = Math.max(1, Math.rint(step));
      }
      double first = Math.floor(low / step + 1e-9) * step;
      int count = (int) Math.max(1, Math.ceil((high - first) / step - 1e-9));
      return new Ticks(first, step, count + 1);
    }

    double last() {
      return first + step * (count - 1);
    }

    double share(double value) {
      return (value - first) / (last() - first);
    }

    String name(int tick) {
      int decimals = (int) Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
      return String.format(Locale.ROOT, "%." + decimals + "f", first + step * tick);
    }
  }

  public CurveChart {
    panels = List.copyOf(panels);
  }

  /** The chart as a PNG image. */
  public byte[] png() {
    return drawing().png();
  }

  /** As an SVG element for a page that has {@link #darkStyle} among its styles. */
  public String inline() {
    return drawing().inline();
  }

  /** The colours of {@link #inline} for readers who prefer a dark page. */
  public static String darkStyle() {
    return Drawing.darkStyle();
  }

  private Drawing drawing() {
    List<Point> all =
        panels.stream().flatMap(p -> p.curves.stream()).flatMap(c -> c.points.stream()).toList();
    Ticks across =
        Ticks.over(
            all.stream().mapToDouble(Point::x).min().orElse(0),
            all.stream().mapToDouble(Point::x).max().orElse(1),
            true);
    var drawing = new Drawing(title, ResearchUse.NOTICE, WIDTH, TOP + panels.size() * panel());
    drawing.add(new Text(0, 16, title, Ink.INK, 15, true, Anchor.START));
    for (int i = 0; i < panels.size(); i++) {
      draw(panels.get(i), across, TOP + i * panel(), drawing);
    }
    return drawing;
  }

  private static double panel() {
    return LEGEND + HEIGHT + BELOW;
  }

  private void draw(Panel panel, Ticks across, double top, Drawing drawing) {
    List<Double> values =
        panel.curves.stream().flatMap(c -> c.points.stream()).map(Point::y).toList();
    Ticks up =
        Ticks.over(
            values.stream().mapToDouble(y -> y).min().orElse(0),
            values.stream().mapToDouble(y -> y).max().orElse(1),
            false);
    double span = WIDTH - LEFT - 10;
    double upper = top + LEGEND;
    double lower = upper + HEIGHT;
    for (int tick = 0; tick < up.count; tick++) {
      double y = lower - HEIGHT * tick / (up.count - 1);
      drawing.add(new Line(LEFT, y, LEFT + span, y, Ink.GRID, 1, false));
      drawing.add(new Text(LEFT - 8, y + 4, up.name(tick), Ink.QUIET, 12, false, Anchor.END));
    }
    for (int tick = 0; tick < across.count; tick++) {
      double x = LEFT + span * tick / (across.count - 1);
      drawing.add(new Line(x, lower, x, lower + 4, Ink.QUIET, 1, false));
      drawing.add(new Text(x, lower + 18, across.name(tick), Ink.QUIET, 12, false, Anchor.MIDDLE));
    }
    drawing.add(
        new Text(LEFT + span / 2, lower + 33, horizontal, Ink.QUIET, 12, false, Anchor.MIDDLE));
    drawing.add(new Text(0, top + 8, panel.vertical, Ink.INK, 13, true, Anchor.START));
    double legend = LEFT;
    for (int c = 0; c < panel.curves.size(); c++) {
      Curve curve = panel.curves.get(c);
      drawing.add(new Mark(legend + 6, top + 4, 4.6, c, true));
      drawing.add(new Text(legend + 18, top + 8, curve.name, Ink.INK, 13, false, Anchor.START));
      legend += 18 + LETTER * curve.name.length() + 22;
      List<double[]> points = new ArrayList<>();
      for (Point p : curve.points) {
        points.add(new double[] {LEFT + span * across.share(p.x), lower - HEIGHT * up.share(p.y)});
      }
      if (points.size() > 1) {
        drawing.add(new Trace(points, Ink.of(c), 2));
      }
      int every = (points.size() + MARKS - 1) / MARKS;
      for (int i = 0; i < points.size(); i += every) {
        drawing.add(new Mark(points.get(i)[0], points.get(i)[1], 4.2, c, true));
      }
    }
  }
}
