//! The board: a lamp for everybody, figures below, and what to try next.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line as Text, Span};

use super::demo::preposition;
use super::lamp::Lamp;
use super::report::{Line, Scene, millis};
use super::script::{PEOPLE, extension};

/// Narrowest lamp with its name beside it, in columns.
const TILE_COLUMNS: u16 = 23;

/// Rows of one lamp: at least the name and the state, at most also the other party and a gap.
const TILE_ROWS: std::ops::RangeInclusive<u16> = 2..=4;

/// Rows around the lamps: title and gap above; figures, advice and gaps below.
const ROWS_AROUND: u16 = 8;

/// From this many columns on there is room to say everything.
const WIDE: u16 = 96;

/// A ringing lamp is lit and dark for this long each.
const BLINK: Duration = Duration::from_millis(400);

/// What to try while the office works.
pub struct Advice {
    address: SocketAddr,
    program: String,
}

impl Advice {
    /// For the agent at this address.
    pub fn new(address: SocketAddr) -> Advice {
        // As it was typed, so that it can be typed again.
        let program = std::env::args().next().unwrap_or_else(|| "fanal".to_owned());
        Advice { address, program }
    }

    fn commands(&self) -> [String; 2] {
        let Advice { address, program } = self;
        [
            format!("{program} watch sip:101@{address} --package dialog"),
            format!("{program} publish sip:101@{address} --dialog early"),
        ]
    }
}

/// Draws everything there is to be seen.
pub fn draw(frame: &mut Frame<'_>, scene: &Scene, advice: &Advice) {
    let now = Instant::now();
    let area = frame.area();
    let tiles = Tiles::fitting(area);
    let [title, lamps, figures, _, next] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(tiles.rows() * tiles.height),
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Length(3),
    ])
    .areas(area);
    draw_title(frame, title, scene, advice, now);
    for (number, line) in scene.lines.iter().enumerate() {
        draw_lamp(frame, tiles.place(lamps, number), number, line, now);
    }
    draw_figures(frame, figures, scene);
    draw_advice(frame, next, advice);
}

/// How the lamps are laid out.
struct Tiles {
    columns: u16,
    height: u16,
}

impl Tiles {
    /// As wide and as high as the terminal allows.
    fn fitting(area: Rect) -> Tiles {
        let height = |columns| area.height.saturating_sub(ROWS_AROUND) / people().div_ceil(columns);
        let fits_beside = |columns: &u16| columns * TILE_COLUMNS <= area.width;
        let fits = |columns: &u16| fits_beside(columns) && height(*columns) >= *TILE_ROWS.start();
        // Divisors of 24, so that no row is half empty; the one that looks best first.
        let columns = [4, 6, 8, 3, 2].into_iter().find(fits);
        let columns = columns.or_else(|| [8, 6, 4, 3, 2].into_iter().find(fits_beside));
        let columns = columns.unwrap_or(1);
        let height = height(columns);
        Tiles { columns, height: height.clamp(*TILE_ROWS.start(), *TILE_ROWS.end()) }
    }

    fn rows(&self) -> u16 {
        people().div_ceil(self.columns)
    }

    /// Where a lamp stands: numbers run down the columns, as on the keys of a console.
    fn place(&self, area: Rect, number: usize) -> Rect {
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        let (column, row) = (number / self.rows(), number % self.rows());
        let width = area.width / self.columns;
        let place = Rect {
            x: area.x.saturating_add(column.saturating_mul(width)),
            y: area.y.saturating_add(row.saturating_mul(self.height)),
            width,
            height: self.height,
        };
        place.intersection(area)
    }
}

fn draw_title(frame: &mut Frame<'_>, area: Rect, scene: &Scene, advice: &Advice, now: Instant) {
    let people = PEOPLE.len();
    let what = match scene.is_open {
        true => format!("  {people} people, their agent at "),
        false => format!("  {people} people come to work; their agent at "),
    };
    let mut title = vec![
        Span::raw(" "),
        " fanal demo ".bold().reversed(),
        Span::raw(what),
        Span::raw(advice.address.to_string()).bold(),
    ];
    if area.width >= WIDE {
        title.push(Span::raw(" by udp and tcp").dim());
    }
    frame.render_widget(Text::from(title), area);
    let end = format!(" {}  q quits ", clock(now.saturating_duration_since(scene.began)));
    // Its own corner only: what is drawn over the title would dim it.
    let width = u16::try_from(end.len()).unwrap_or(u16::MAX).min(area.width);
    let corner = Rect { x: area.right() - width, width, ..area };
    frame.render_widget(Text::from(end).dim(), corner);
}

fn draw_lamp(frame: &mut Frame<'_>, area: Rect, number: usize, line: &Line, now: Instant) {
    let since = now.saturating_duration_since(line.since);
    let style = style(line.lamp);
    let lit = Span::styled(light(line.lamp, since), style);
    let name = PEOPLE.get(number).copied().unwrap_or_default();
    let first = Text::from(vec![
        Span::raw(" "),
        lit.clone(),
        Span::raw(" "),
        Span::raw(extension(number)).bold(),
        Span::raw(" "),
        Span::raw(name),
    ]);
    let word = line.lamp.map_or("...", Lamp::as_text);
    // Where lamps stand close together, a dark row parts them.
    let has_gap = area.height > 2;
    let second = Text::from(vec![
        Span::raw(" "),
        if has_gap { lit } else { Span::raw("  ") },
        Span::raw(" "),
        Span::styled(format!("{word} {}", clock(since)), style),
    ]);
    // One column stays free, so that long names do not touch the next lamp.
    let width = area.width.saturating_sub(1);
    let texts = match has_gap {
        false => vec![first, with_detail(second, line, width)],
        true => {
            let third = detail(line).map(|detail| Text::from(format!("    {detail}")).dim());
            [first, second].into_iter().chain(third).collect()
        }
    };
    for (row, text) in (0..area.height).zip(texts) {
        frame.render_widget(text, Rect { y: area.y + row, height: 1, width, ..area });
    }
}

/// The other party, or what the person does besides.
fn detail(line: &Line) -> Option<String> {
    match (&line.with, line.lamp) {
        (Some(with), Some(lamp)) => Some(format!("{} {with}", preposition(lamp))),
        _ => line.doing.clone(),
    }
}

/// The same on the row of the state, in short, if all of it fits.
fn with_detail<'a>(mut row: Text<'a>, line: &'a Line, width: u16) -> Text<'a> {
    let Some(detail) = line.with.as_ref().or(line.doing.as_ref()) else { return row };
    let detail = Span::raw(format!(" {detail}")).dim();
    if row.width() + detail.width() <= usize::from(width) {
        row.push_span(detail);
    }
    row
}

/// Told apart without colour too.
fn light(lamp: Option<Lamp>, since: Duration) -> &'static str {
    let is_dark = since.as_millis() / BLINK.as_millis() % 2 == 1;
    match lamp {
        None => "  ",
        Some(Lamp::Idle) => "░░",
        Some(Lamp::Held) => "▄▀",
        Some(Lamp::Calling) => "▒▒",
        Some(Lamp::Ringing) if is_dark => "  ",
        Some(Lamp::Busy | Lamp::Ringing) => "██",
    }
}

fn style(lamp: Option<Lamp>) -> Style {
    let colour = match lamp {
        None => Color::DarkGray,
        Some(Lamp::Idle) => Color::Green,
        Some(Lamp::Held) => Color::Cyan,
        Some(Lamp::Calling) => Color::Magenta,
        Some(Lamp::Ringing) => {
            return Style::new().fg(Color::LightYellow).add_modifier(Modifier::BOLD);
        }
        Some(Lamp::Busy) => Color::Red,
    };
    Style::new().fg(colour)
}

fn draw_figures(frame: &mut Frame<'_>, area: Rect, scene: &Scene) {
    let figures = &scene.figures;
    let latency = match (figures.p50, figures.p99) {
        (Some(p50), Some(p99)) => format!("p50 {}  p99 {}", millis(p50), millis(p99)),
        _ => "-".to_owned(),
    };
    let wrong = match figures.wrong {
        0 => Span::raw("0").green().bold(),
        wrong => Span::raw(wrong.to_string()).red().bold(),
    };
    let bold = |text: String| Span::raw(text).bold();
    let cells = [
        ("subscriptions", bold((figures.lamps + figures.presences).to_string())),
        ("PUBLISH", bold(figures.publishes.to_string())),
        ("NOTIFY", bold(figures.notifies.to_string())),
        ("PUBLISH to NOTIFY", bold(latency)),
        ("wrong lamps", wrong),
    ];
    let widths = [15, 10, 10, 29, 13].map(Constraint::Fill);
    let places: [Rect; 5] = Layout::horizontal(widths).areas(area);
    for ((label, value), place) in cells.into_iter().zip(places) {
        let rows: [Rect; 2] = Layout::vertical([Constraint::Length(1); 2]).areas(place);
        let [above, below] = rows;
        frame.render_widget(Text::from(format!(" {label}")).dim(), above);
        frame.render_widget(Text::from(vec![Span::raw(" "), value]), below);
    }
}

fn draw_advice(frame: &mut Frame<'_>, area: Rect, advice: &Advice) {
    let [watch, publish] = advice.commands();
    let rows: [Rect; 3] = Layout::vertical([Constraint::Length(1); 3]).areas(area);
    let texts = [
        Text::from(" In another terminal, watch or ring a lamp (then: confirmed, terminated):")
            .dim(),
        Text::from(format!("   {watch}")).cyan(),
        Text::from(format!("   {publish}")).cyan(),
    ];
    for (text, row) in texts.into_iter().zip(rows) {
        frame.render_widget(text, row);
    }
}

fn people() -> u16 {
    u16::try_from(PEOPLE.len()).expect("a small office")
}

/// Minutes and seconds.
fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a time to begin at")]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn scene() -> Scene {
        let mut scene = Scene::new(Instant::now());
        for line in &mut scene.lines {
            line.lamp = Some(Lamp::Idle);
        }
        scene.lines[2].lamp = Some(Lamp::Ringing);
        scene.lines[2].with = Some("+1 202 555 0143".to_owned());
        scene.lines[3].doing = Some("at lunch".to_owned());
        scene
    }

    fn drawn(columns: u16, rows: u16) -> String {
        let address = "127.0.0.1:45060".parse().expect("an address");
        let advice = Advice { address, program: "fanal".to_owned() };
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal");
        terminal.draw(|frame| draw(frame, &scene(), &advice)).expect("drawn");
        terminal.backend().to_string()
    }

    #[test]
    fn everybody_has_a_lamp_in_every_usual_terminal() {
        for (columns, rows) in [(100, 32), (80, 24), (120, 40), (200, 50), (96, 24), (200, 16)] {
            let text = drawn(columns, rows);
            for (number, name) in PEOPLE.iter().enumerate() {
                let given = name.split(' ').next().unwrap_or_default();
                let wanted = format!("{} {given}", extension(number));
                assert!(text.contains(&wanted), "{wanted} in {columns}x{rows}:\n{text}");
            }
            assert!(text.contains("ringing 0:00"), "{text}");
            assert!(text.contains("wrong lamps"), "{columns}x{rows}:\n{text}");
            let command = "fanal watch sip:101@127.0.0.1:45060 --package dialog";
            assert!(text.contains(command), "{columns}x{rows}:\n{text}");
        }
    }

    #[test]
    fn a_lamp_tells_with_whom_or_what_else() {
        let text = drawn(100, 32);
        assert!(text.contains("from +1 202 555 0143"), "{text}");
        assert!(text.contains("at lunch"), "{text}");
    }

    #[test]
    fn a_tiny_terminal_breaks_nothing() {
        for (columns, rows) in [(1, 1), (10, 3), (22, 60), (30, 5)] {
            drawn(columns, rows);
        }
    }

    #[test]
    fn lamps_differ_without_colour() {
        let lamps = [None, Some(Lamp::Idle), Some(Lamp::Held), Some(Lamp::Calling)];
        let mut lights: Vec<&str> =
            lamps.into_iter().map(|lamp| light(lamp, Duration::ZERO)).collect();
        lights.push(light(Some(Lamp::Busy), Duration::ZERO));
        lights.sort_unstable();
        lights.dedup();
        assert_eq!(lights.len(), 5);
        assert_ne!(light(Some(Lamp::Ringing), Duration::ZERO), light(Some(Lamp::Ringing), BLINK));
    }
}
