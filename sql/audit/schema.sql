-- A schema for the staging tables of partitions that the source keeps apart from their table.
CREATE SCHEMA IF NOT EXISTS :"schema";
