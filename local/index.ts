// A project's main file has to lie in the project's own folder.
import program = require("../index");

export = program;
