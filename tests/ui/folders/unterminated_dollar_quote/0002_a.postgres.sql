SELECT $body$ abc $other$;
