//! The classes of the schedules, from their definitions.

use crate::{HEADER, camel_case};
use rmsprop::schedules::{Definition, Kind, Parameter, SCHEDULES};

/// A number as JavaScript writes it.
fn literal(number: f64) -> String {
    number.to_string()
}

/// How a parameter is declared, read, and handed to the exported function.
struct Member {
    parameter: Parameter,
    option: String,
}

impl Member {
    fn new(parameter: Parameter) -> Self {
        Self { parameter, option: camel_case(parameter.name) }
    }

    fn is_optional(&self) -> bool {
        self.parameter.default.is_some()
    }

    fn value_type(&self) -> &'static str {
        match self.parameter.kind {
            Kind::Number | Kind::Positive => "number",
            Kind::OptionalNumber => "number | null",
            Kind::Flag => "boolean",
        }
    }

    fn default_text(&self) -> Option<String> {
        self.parameter.default.map(|number| match self.parameter.kind {
            Kind::Number | Kind::Positive => literal(number),
            Kind::OptionalNumber => "null".to_owned(),
            Kind::Flag => "false".to_owned(),
        })
    }

    fn option_declaration(&self) -> String {
        let default = self.default_text().map(|default| format!("Default {default}."));
        let lines = self.parameter.documentation.iter().map(|line| line.trim()).map(str::to_owned).chain(default);
        let doc = lines.collect::<Vec<_>>().join(" ");
        let (option, value_type) = (&self.option, self.value_type());
        let (mark, undefined) = if self.is_optional() { ("?", " | undefined") } else { ("", "") };
        format!("  /** {doc} */\n  readonly {option}{mark}: {value_type}{undefined};\n")
    }

    fn field_declaration(&self) -> String {
        let lines = self.parameter.documentation.iter().map(|line| line.trim());
        let doc = lines.collect::<Vec<_>>().join(" ");
        format!("  /** {doc} */\n  readonly {}: {};\n", self.option, self.value_type())
    }

    fn assignment(&self) -> String {
        let (option, key) = (&self.option, self.parameter.name);
        let default = self.parameter.default.map_or(String::new(), |number| format!(", {}", literal(number)));
        let read = match self.parameter.kind {
            Kind::Number => format!("number(\"{key}\"{default})"),
            Kind::Positive => format!("positive(\"{key}\")"),
            Kind::OptionalNumber => format!("optionalNumber(\"{key}\")"),
            Kind::Flag => format!("boolean(\"{key}\")"),
        };
        format!("    this.{option} = read.{read};\n")
    }

    fn argument(&self) -> String {
        let option = &self.option;
        match self.parameter.kind {
            Kind::Number | Kind::Positive => format!("this.{option}"),
            Kind::OptionalNumber => format!("this.{option} ?? Number.NaN"),
            Kind::Flag => format!("Number(this.{option})"),
        }
    }
}

/// `texts`, and that of the name where Keras' configuration has it.
fn with_name(schedule: &Definition, name: &str, text: impl Fn(&Member) -> String) -> String {
    let mut texts = String::new();
    for &parameter in schedule.parameters {
        texts += &text(&Member::new(parameter));
        if schedule.name_after == Some(parameter.name) {
            texts += name;
        }
    }
    if schedule.name_after.is_none() {
        texts += name;
    }
    texts
}

fn class(schedule: &Definition) -> String {
    let Definition { class, export, name, .. } = schedule;
    let option_name = format!("  /** Default `{name}`. */\n  readonly name?: string | undefined;\n");
    let options = with_name(schedule, &option_name, Member::option_declaration);
    let keys = with_name(schedule, "    \"name\",\n", |member| format!("    \"{}\",\n", member.parameter.name));
    let field_name = "  /** Keras' name of this schedule. */\n  readonly name: string;\n";
    let fields = with_name(schedule, field_name, Member::field_declaration);
    let assign_name = format!("    this.name = read.name(\"{name}\");\n");
    let assignments = with_name(schedule, &assign_name, Member::assignment);
    let members = schedule.parameters.iter().copied().map(Member::new);
    let arguments = members.map(|member| format!(", {}", member.argument())).collect::<Vec<_>>().concat();
    let lines = schedule.documentation.iter().map(|line| format!(" *{line}\n")).collect::<Vec<_>>().concat();
    format!(
        "/** Options of `new {class}`. */\n\
         export interface {class}Options {{\n{options}}}\n\n\
         /**\n{lines} */\n\
         export class {class} extends LearningRateSchedule<ScheduleConfigOf<{class}Options>> {{\n  \
         /** @internal */\n  static override readonly [KEYS] = [\n{keys}  ] as const;\n\
         {fields}\n  \
         /**\n   * A schedule with these options.\n   *\n   \
         * @throws {{RangeError | TypeError}} for options that are not as documented.\n   */\n  \
         constructor(options: {class}Options) {{\n    super();\n    \
         const read = new OptionReader(options, {class}[KEYS]);\n{assignments}  }}\n\n  \
         /** @internal */\n  \
         [EVALUATE](step: number, {{ kernel }}: Runtime = defaultRuntime()): number {{\n    \
         return kernel.{export}(step{arguments});\n  }}\n}}\n"
    )
}

/// The classes and their options.
pub fn classes() -> String {
    let imports = "import { defaultRuntime, type Runtime } from \"../../memory/runtime.js\";\n\
                   import { EVALUATE, KEYS } from \"../../support/internal.js\";\n\
                   import { LearningRateSchedule, OptionReader, type ScheduleConfigOf } from \"../schedule.js\";\n";
    let classes = SCHEDULES.iter().map(class).collect::<Vec<_>>().join("\n");
    format!("{HEADER}{imports}\n{classes}")
}

/// The classes by Keras' names.
pub fn by_name() -> String {
    let names = SCHEDULES.iter().map(|schedule| format!("  {},\n", schedule.class)).collect::<Vec<_>>().concat();
    format!(
        "{HEADER}import {{\n{names}}} from \"./classes.js\";\n\
         import type {{ LearningRateSchedule }} from \"../schedule.js\";\n\n\
         /** Keras' names of the schedules that are defined in Rust, and their classes. */\n\
         export const CLASSES: {{ readonly [Name: string]: {{ fromConfig(config: never): LearningRateSchedule }} }} = {{\n{names}}};\n"
    )
}
